#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The id of one launch of the program: the same in the server and in its worker processes.
enum LaunchID {
    /// The environment variable by which the server hands the id to the processes it starts.
    static let environmentVariable = "DASH_SWIFT_LAUNCH_ID"

    /// The id the environment hands down, else a new one; it does not change while the process lives.
    static let current = inherited(from: environmentVariable) ?? make()

    /// A random UUID (version 4) in lower case.
    static func make() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array("0123456789abcdef")
        return bytes.enumerated().reduce(into: "") { text, item in
            if [4, 6, 8, 10].contains(item.offset) { text.append("-") }
            text.append(digits[Int(item.element >> 4)])
            text.append(digits[Int(item.element & 15)])
        }
    }

    private static func inherited(from variable: String) -> String? {
        guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
