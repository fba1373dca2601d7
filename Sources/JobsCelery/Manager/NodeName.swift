/// The names of workers, as Celery's command takes them.
enum NodeName {
    /// Fills in `%h` (host and domain), `%n` (host), `%d` (domain) and `%%`; adds the host to a name without `@`.
    ///
    /// - Throws: `CeleryError.option` for another mark.
    static func expanded(_ pattern: String, host: String = TaskOrigin.hostName) throws -> String {
        let marks: [Character: String] = ["h": host, "n": self.host(of: host), "d": domain(of: host), "%": "%"]
        let name = try filled(pattern, marks) { "The worker's name has %\($0); %h, %n, %d and %% are known." }
        return name.contains("@") ? name : "\(name)@\(host)"
    }

    /// The path of a worker's file: `%p` is its name, `%n` what stands before the `@`, `%h` what stands behind it, `%d` the
    /// domain.
    ///
    /// - Throws: `CeleryError.option` for another mark.
    static func path(_ pattern: String, of node: String) throws -> String {
        let parts = node.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let host = parts.count > 1 ? parts[1] : ""
        let marks: [Character: String] = ["p": node, "n": parts[0], "h": host, "d": domain(of: host), "%": "%"]
        return try filled(pattern, marks) { "The file's path has %\($0); %p, %n, %h, %d and %% are known." }
    }

    private static func host(of name: String) -> String { String(name.prefix { $0 != "." }) }

    private static func domain(of name: String) -> String { String(name.drop { $0 != "." }.dropFirst()) }

    private static func filled(
        _ pattern: String,
        _ marks: [Character: String],
        _ complaint: (String) -> String
    ) throws -> String {
        var text = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                text.append(character)
                continue
            }
            let mark = rest.popFirst()
            guard let value = mark.flatMap({ marks[$0] }) else {
                throw CeleryError(.option, complaint(mark.map(String.init) ?? ""))
            }
            text += value
        }
        return text
    }
}
