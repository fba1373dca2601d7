import CeleryProtocol
import DashJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The arguments of a request, with Python's conversions.
struct ControlArguments: Sendable {
    let method: String
    let values: JSONObject

    subscript(name: String) -> JSON { values[name] ?? .null }

    /// A text; a number is converted to text.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): JSON.double(number).text
        default: nil
        }
    }

    /// A list of texts; a single text counts as a list.
    func texts(_ name: String) -> [String] {
        self[name].orElements.compactMap(\.stringValue)
    }

    func number(_ name: String) -> Double? {
        self[name].doubleValue ?? self[name].stringValue.flatMap(Double.init)
    }

    func wholeNumber(_ name: String) -> Int? {
        self[name].intValue ?? self[name].stringValue.flatMap(Int.init)
    }

    /// Python's truth value: Flower sends 1.
    func isTrue(_ name: String) -> Bool {
        switch self[name] {
        case .null: false
        case .bool(let value): value
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        }
    }

    /// Throws Python's error for missing arguments.
    func require(_ names: String...) throws(PythonError) {
        let missing = names.filter { values[$0] == nil }.map { "'\($0)'" }
        guard let last = missing.last else { return }
        let count = missing.count
        let list =
            count == 1 ? last : missing.dropLast().joined(separator: ", ") + (count > 2 ? ", and " : " and ") + last
        throw .type("\(method)() missing \(count) required positional argument\(count == 1 ? "" : "s"): \(list)")
    }

    /// Throws Python's error for unknown arguments.
    func allowOnly(_ names: String...) throws(PythonError) {
        if let other = values.keys.first(where: { !names.contains($0) }) {
            throw .type("\(method)() got an unexpected keyword argument '\(other)'")
        }
    }
}

extension RateLimit {
    /// Reads a limit: `10/m`, `5`, 0.5; null, empty and 0 mean no limit.
    ///
    /// - Throws: The error of Python's `float` for an invalid number, and a key error for an unknown unit.
    static func reading(_ json: JSON) throws(PythonError) -> RateLimit? {
        switch json {
        case .null, .bool(false): return nil
        case .bool(true): return RateLimit(text: "1", perSecond: 1)
        case .int, .double: return RateLimit(text: json.text, number: json.doubleValue ?? 0, seconds: 1)
        case .string(let text): return try reading(text)
        case .array, .object: throw .type("'\(json.arrayValue == nil ? "dict" : "list")' object is not a rate limit")
        }
    }

    private static func reading(_ text: String) throws(PythonError) -> RateLimit? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let unit = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : "s"
        guard let seconds = ["s": 1.0, "m": 60, "h": 3600][unit] else { throw .key(unit) }
        let digits = String(parts[0])
        guard let number = Double(digits), number.isFinite else {
            var error = PythonError.value("could not convert string to float: \(PythonText.quoted(digits))")
            error.introduction = "Invalid rate limit string: "
            throw error
        }
        return RateLimit(text: text, number: number, seconds: seconds)
    }

    /// Nil unless the number is positive.
    private init?(text: String, number: Double, seconds: Double) {
        guard number > 0 else { return nil }
        self.init(text: text, perSecond: number / seconds)
    }
}

enum SignalName {
    private static let numbers: [String: Int32] = [
        "SIGHUP": SIGHUP, "SIGINT": SIGINT, "SIGQUIT": SIGQUIT, "SIGILL": SIGILL, "SIGTRAP": SIGTRAP,
        "SIGABRT": SIGABRT,
        "SIGBUS": SIGBUS, "SIGFPE": SIGFPE, "SIGKILL": SIGKILL, "SIGUSR1": SIGUSR1, "SIGSEGV": SIGSEGV,
        "SIGUSR2": SIGUSR2, "SIGPIPE": SIGPIPE, "SIGALRM": SIGALRM, "SIGTERM": SIGTERM, "SIGCHLD": SIGCHLD,
        "SIGCONT": SIGCONT, "SIGSTOP": SIGSTOP, "SIGTSTP": SIGTSTP, "SIGTTIN": SIGTTIN, "SIGTTOU": SIGTTOU,
        "SIGXCPU": SIGXCPU, "SIGXFSZ": SIGXFSZ,
    ]

    /// The number of a signal in a request: `SIGTERM`, `TERM`, or a number; SIGTERM if missing.
    ///
    /// - Throws: Celery's error for an invalid signal.
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
