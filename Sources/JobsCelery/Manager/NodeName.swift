/// The names of workers, as Celery's command takes them.
enum NodeName {
    /// Fills in `%h` (host and domain), `%n` (host), `%d` (domain) and `%%`; adds the host to a name without `@`.
    ///
    /// - Throws: `CeleryError.option` for another mark.
    static func expanded(_ pattern: String, host: String = TaskOrigin.hostName) throws -> String {
        let cut = host.firstIndex(of: ".")
        let domain = cut.map { String(host[host.index(after: $0)...]) } ?? ""
        var name = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                name.append(character)
                continue
            }
            switch rest.popFirst() {
            case "h": name += host
            case "n": name += cut.map { String(host[..<$0]) } ?? host
            case "d": name += domain
            case "%": name += "%"
            case let mark:
                let text = mark.map(String.init) ?? ""
                throw CeleryError(.option, "The worker's name has %\(text); %h, %n, %d and %% are known.")
            }
        }
        return name.contains("@") ? name : "\(name)@\(host)"
    }
}
