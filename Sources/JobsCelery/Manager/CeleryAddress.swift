import CeleryProtocol
import RedisClient

/// The addresses of a broker and of results, in Celery's format.
enum CeleryAddress {
    enum Results: Sendable {
        case redis(RedisURL)
        /// Results are sent to the caller's queue.
        case rpc

        init(_ text: String?, broker: any BrokerAddress) throws {
            switch (text, text.map(CeleryAddress.scheme), broker.redis) {
            case (nil, _, let url?): self = .redis(url)
            case (let text?, let scheme?, _) where CeleryTransport.redis.schemes.contains(scheme):
                self = .redis(try RedisURL(text))
            case (_, "rpc", nil): self = .rpc
            case (_, let scheme, _): throw CeleryError(.option, Self.complaint(about: scheme))
            }
        }

        private static func complaint(about scheme: String?) -> String {
            switch scheme {
            case nil:
                "RabbitMQ does not store results: set a Redis for them (redis://…, environment variable "
                    + "CELERY_RESULT_BACKEND), or rpc:// with a single web server."
            case "rpc":
                "Results with rpc:// require RabbitMQ. With a Redis broker, use a Redis for results, or omit them."
            case let scheme?:
                "The scheme “\(scheme)” of the result address is not supported: use redis:// or rediss://, or rpc:// "
                    + "with RabbitMQ and a single web server."
            }
        }
    }

    /// The text before `:`, and never more, because a password may follow.
    static func scheme(of text: String) -> String {
        let start = text.prefix { $0 != ":" && $0 != "/" && $0 != "@" }
        return start.count == text.count ? String(start.prefix(12)) : start.lowercased()
    }
}

/// The names of workers, in the format of Celery's command line.
enum NodeName {
    /// Expands `%h` (host and domain), `%n` (host), `%d` (domain) and `%%`; adds the host to a name without `@`.
    ///
    /// - Throws: `CeleryError.option` for another placeholder.
    static func expanded(_ pattern: String, host: String = TaskOrigin.hostName) throws -> String {
        let marks: [Character: String] = ["h": host, "n": self.host(of: host), "d": domain(of: host), "%": "%"]
        let name = try filled(pattern, marks)
        return name.contains("@") ? name : "\(name)@\(host)"
    }

    /// The path of a worker's file: `%p` is its name, `%n` the part before the `@`, `%h` the part after it, `%d` the
    /// domain.
    ///
    /// - Throws: `CeleryError.option` for another placeholder.
    static func path(_ pattern: String, of node: String) throws -> String {
        let parts = node.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let host = parts.count > 1 ? parts[1] : ""
        let marks: [Character: String] = ["p": node, "n": parts[0], "h": host, "d": domain(of: host), "%": "%"]
        return try filled(pattern, marks)
    }

    private static func host(of name: String) -> String { String(name.prefix { $0 != "." }) }

    private static func domain(of name: String) -> String { String(name.drop { $0 != "." }.dropFirst()) }

    private static func filled(_ pattern: String, _ marks: [Character: String]) throws -> String {
        var text = ""
        var rest = pattern[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                text.append(character)
                continue
            }
            let mark = rest.popFirst()
            guard let value = mark.flatMap({ marks[$0] }) else {
                let known = marks.keys.sorted().map { "%\($0)" }.joined(separator: ", ")
                throw CeleryError(.option, "Unknown placeholder in “\(pattern)”; use one of \(known).")
            }
            text += value
        }
        return text
    }
}
