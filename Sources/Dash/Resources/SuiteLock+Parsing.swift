extension SuiteLock {
    /// Reads a lock.
    ///
    /// - Parameter text: pip's requirements format, with one SHA-256 and an exact version for each wheel.
    /// - Throws: `SuiteError` with code `.lock` that quotes the line that is not understood.
    package init(parsing text: String) throws(SuiteError) {
        wheels = []
        for line in Self.logicalLines(of: text) {
            wheels.append(try Self.wheel(from: line))
        }
    }

    /// The lines without comments and empty ones, those that end in a backslash joined with the next.
    private static func logicalLines(of text: String) -> [String] {
        var lines: [String] = []
        var pending = ""
        for line in text.split(whereSeparator: \.isNewline) where !line.drop(while: \.isWhitespace).hasPrefix("#") {
            pending += line
            if pending.hasSuffix("\\") {
                pending.removeLast()
            } else {
                lines.append(pending)
                pending = ""
            }
        }
        return (lines + [pending]).filter { !$0.allSatisfy(\.isWhitespace) }
    }

    private static func wheel(from line: String) throws(SuiteError) -> SuiteWheel {
        let words = line.split(whereSeparator: \.isWhitespace)
        let pin = words.first.map { Array($0.split(separator: "=", omittingEmptySubsequences: false)) } ?? []
        let prefix = "--hash=sha256:"
        guard words.count == 2, pin.count == 3, pin[1].isEmpty, !pin[0].isEmpty, words[1].hasPrefix(prefix) else {
            throw SuiteError(.lock, "The lock has a line that is not NAME==VERSION --hash=sha256:HASH.", cause: line)
        }
        let hash = words[1].dropFirst(prefix.count)
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit) else {
            throw SuiteError(.lock, "The lock has a hash that is not 64 hexadecimal digits.", cause: line)
        }
        return SuiteWheel(name: String(pin[0]), version: String(pin[2]), sha256: hash.lowercased())
    }
}
