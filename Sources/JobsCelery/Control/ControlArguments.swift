import CeleryProtocol
import DashJSON
import Support

/// The arguments of a request. Unknown arguments are ignored.
struct ControlArguments: Sendable {
    let method: String
    let values: JSONObject

    subscript(name: String) -> JSON { values[name] ?? .null }

    /// A required text.
    func text(_ name: String) throws(CeleryError) -> String {
        guard let text = try required(name).stringValue else {
            throw .malformed("The argument \(name) of the command \(method) must be a string.")
        }
        return text
    }

    /// A required list of texts; a single text counts as a list.
    func texts(_ name: String) throws(CeleryError) -> [String] {
        try required(name).orElements.compactMap(\.stringValue)
    }

    func number(_ name: String) -> Double? {
        self[name].doubleValue ?? self[name].stringValue.flatMap(Double.init)
    }

    /// A switch; some callers send 1 for true.
    func isTrue(_ name: String) -> Bool { self[name].boolValue ?? (self[name].intValue == 1) }

    func required(_ name: String) throws(CeleryError) -> JSON {
        guard let value = values[name] else {
            throw .malformed("The command \(method) requires the argument \(name).")
        }
        return value
    }
}

extension RateLimit {
    /// Reads a limit: `10/m`, `5`, 0.5; null, empty and 0 mean no limit.
    static func reading(_ json: JSON) throws(CeleryError) -> RateLimit? {
        if json.isNull || json == "" { return nil }
        let text = json.stringValue ?? json.text
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        let unit = parts.count > 1 ? parts[1] : "s"
        guard let seconds = ["s": 1.0, "m": 60, "h": 3600][unit],
            let number = parts.first.flatMap(Double.init), number.isFinite
        else {
            throw .malformed(
                "The rate limit \(json) is invalid. Use a number per second, minute or hour, such as 10/m."
            )
        }
        return number > 0 ? RateLimit(text: text, perSecond: number / seconds) : nil
    }
}

enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ABRT": SIGABRT, "KILL": SIGKILL, "USR1": SIGUSR1,
        "SEGV": SIGSEGV, "USR2": SIGUSR2, "ALRM": SIGALRM, "TERM": SIGTERM, "CONT": SIGCONT, "STOP": SIGSTOP,
    ]

    /// The number of a signal in a request: `SIGTERM`, `TERM`, or a number; SIGTERM if missing.
    static func number(_ signal: JSON) throws(CeleryError) -> Int32 {
        if signal.isNull || signal == "" { return SIGTERM }
        let name = signal.stringValue ?? signal.text
        let number = numbers[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name] ?? Int32(name)
        guard let number, (1...64).contains(number) else {
            throw .malformed("The signal \(signal) is unknown. Use a name such as SIGTERM, or a number from 1 to 64.")
        }
        return number
    }
}
