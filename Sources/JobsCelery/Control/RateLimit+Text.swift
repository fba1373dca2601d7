import DashJSON

extension RateLimit {
    /// Reads a limit: `10/m`, `5`, 0.5; nothing and 0 are no limit.
    ///
    /// - Throws: what Python's `float` throws for what is no number, and a key error for an unknown unit.
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

    /// Nil if the number is none to wait for.
    private init?(text: String, number: Double, seconds: Double) {
        guard number > 0 else { return nil }
        self.init(text: text, perSecond: number / seconds)
    }
}
