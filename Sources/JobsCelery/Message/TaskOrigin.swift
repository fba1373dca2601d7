#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Who sends messages, for display.
enum TaskOrigin {
    /// `gen<pid>@<host>`, as Celery names a process that is no worker.
    static let ofThisProcess = "gen\(getpid())@\(hostName)"

    /// The computer's name.
    static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}
