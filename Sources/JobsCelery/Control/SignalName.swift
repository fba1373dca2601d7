import DashJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The names of signals.
enum SignalName {
    private static let numbers: [String: Int32] = [
        "SIGHUP": SIGHUP, "SIGINT": SIGINT, "SIGQUIT": SIGQUIT, "SIGILL": SIGILL, "SIGTRAP": SIGTRAP,
        "SIGABRT": SIGABRT,
        "SIGBUS": SIGBUS, "SIGFPE": SIGFPE, "SIGKILL": SIGKILL, "SIGUSR1": SIGUSR1, "SIGSEGV": SIGSEGV,
        "SIGUSR2": SIGUSR2, "SIGPIPE": SIGPIPE, "SIGALRM": SIGALRM, "SIGTERM": SIGTERM, "SIGCHLD": SIGCHLD,
        "SIGCONT": SIGCONT, "SIGSTOP": SIGSTOP, "SIGTSTP": SIGTSTP, "SIGTTIN": SIGTTIN, "SIGTTOU": SIGTTOU,
        "SIGXCPU": SIGXCPU, "SIGXFSZ": SIGXFSZ,
    ]

    /// The number of a signal that is named in a request: `SIGTERM`, `TERM`, or a number. None is SIGTERM.
    ///
    /// - Throws: what Celery answers for what is no signal.
    static func number(_ name: JSON) throws(PythonError) -> Int32 {
        switch name {
        case .null, "": return SIGTERM
        case .int(let number):
            guard let signal = Int32(exactly: number), (1...64).contains(signal) else {
                throw .value("signal number out of range")
            }
            return signal
        case .string(let text) where text.first?.isNumber == true:
            guard let number = Int(text) else { throw .type("signal name must be uppercase string.") }
            return try self.number(.int(number))
        case .string(let text) where text == text.uppercased():
            let full = text.hasPrefix("SIG") ? text : "SIG" + text
            guard let number = numbers[full] else {
                throw PythonError(kind: "AttributeError", argument: "module 'signal' has no attribute '\(full)'")
            }
            return number
        default: throw .type("signal name must be uppercase string.")
        }
    }
}
