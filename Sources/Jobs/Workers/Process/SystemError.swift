#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
    /// The system's number of the error.
    let number: Int32
    /// What was tried.
    let attempt: String

    /// One sentence with the system's own words.
    var description: String { "\(attempt) failed: \(String(cString: strerror(number)))." }

    /// Throws unless the call told success by 0.
    static func check(_ number: Int32, _ attempt: String) throws {
        guard number == 0 else { throw SystemError(number: number, attempt: attempt) }
    }
}
