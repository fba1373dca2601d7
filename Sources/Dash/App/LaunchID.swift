import Crypto
import Jobs
import Support
import Synchronization

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

    private static let known = Mutex<String?>(nil)

    /// The id the environment hands down, else a new one; it does not change while the process lives.
    static var current: String {
        known.withLock { id in
            let current = id ?? value(of: environmentVariable) ?? make()
            id = current
            return current
        }
    }

    /// From now on the id is that of all servers of this build and secret, where there is a secret and nobody has asked for
    /// the id before.
    static func share() {
        known.withLock { id in
            guard id == nil, value(of: environmentVariable) == nil, let secret = value(of: "DASH_SECRET_KEY") else {
                return
            }
            id = derived(secret: secret, build: BuildID.current)
        }
    }

    /// The id of all servers of a build and a secret. It tells nothing of the secret.
    static func derived(secret: String, build: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("launch\0\(build)".utf8), using: key)
        let halves = code.withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return UniqueID(version4: UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1)).text
    }

    /// A random UUID (version 4) in lower case.
    static func make() -> String { UniqueID.random().text }

    private static func value(of variable: String) -> String? {
        guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
