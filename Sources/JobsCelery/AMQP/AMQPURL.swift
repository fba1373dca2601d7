import Support

/// Where a RabbitMQ is and how to log in: `amqp://user:password@host:5672/vhost?heartbeat=30`.
///
/// As Celery reads it: `amqps` uses TLS, `pyamqp` is another name of `amqp`; what is missing is `guest`, `guest`,
/// `localhost`, 5672 (5671 with TLS), virtual host `/`. The path's first slash is no part of the virtual host, so `//`
/// and `/%2F` both mean `/`. It never shows its password.
struct AMQPURL: Sendable, Hashable {
    var host = "localhost"
    var port = 5672
    var user = "guest"
    var password = "guest"
    var virtualHost = "/"
    var tls: AMQPTLS?
    /// Seconds between signs of life that are asked of both ends; 0 for none. After two without one a connection counts as
    /// lost, and RabbitMQ gives what the worker held to others: so many seconds a job may wait behind a dead connection.
    var heartbeat = 3
    /// Seconds that connecting and logging in may take.
    var connectTimeout = 5

    init(_ text: String) throws {
        guard let scheme = text.firstRange(of: "://") else { throw Self.error("has no scheme; it starts with amqp://") }
        try take(scheme: text[..<scheme.lowerBound].lowercased())
        var rest = text[scheme.upperBound...]
        if rest.contains(";") { throw Self.error("names several servers; give one") }
        let query = rest.cut(from: "?")
        let path = rest.cut(from: "/")
        if let at = rest.lastIndex(of: "@") {
            try take(login: rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try take(address: rest)
        if let path, !path.isEmpty { virtualHost = try Self.decoded(path) }
        for option in (query ?? "").split(separator: "&") { try take(option: option) }
    }

    private mutating func take(scheme: String) throws {
        switch scheme {
        case "amqp", "pyamqp": break
        case "amqps", "pyamqps": (tls, port) = (AMQPTLS(), 5671)
        default: throw Self.error("has the scheme \(scheme); RabbitMQ's are amqp and amqps")
        }
    }

    private mutating func take(login: Substring) throws {
        var name = login
        let secret = name.cut(from: ":")
        if !name.isEmpty { user = try Self.decoded(name) }
        if let secret { password = try Self.decoded(secret) }
    }

    private mutating func take(address: Substring) throws {
        var name = address
        var number: Substring?
        if name.hasPrefix("[") {
            number = name.cut(from: "]").map { $0.drop { $0 == ":" } }
            name = name.dropFirst()
        } else {
            number = name.cut(from: ":")
        }
        if !name.isEmpty { host = try Self.decoded(name) }
        guard let number, !number.isEmpty else { return }
        guard let port = Int(number), 1...65_535 ~= port else {
            throw Self.error("has the port \(number), which is none")
        }
        self.port = port
    }

    private mutating func take(option: Substring) throws {
        var name = option
        let value = try Self.decoded(name.cut(from: "=") ?? "")
        switch name {
        case "heartbeat": heartbeat = try Self.seconds(value, of: name)
        case "connect_timeout", "connection_timeout": connectTimeout = max(1, try Self.seconds(value, of: name))
        default:
            guard tls != nil, try tls?.take(option: name, value: value) == true else {
                throw Self.error(
                    "has the option \(name), which is not known\(tls == nil ? " without TLS (amqps)" : "")"
                )
            }
        }
    }

    private static func seconds(_ text: String, of name: Substring) throws -> Int {
        guard let value = Int(text), 0...3600 ~= value else {
            throw error("wants whole seconds, 0 to 3600, as \(name)")
        }
        return value
    }

    static func error(_ what: String) -> CeleryError {
        CeleryError(.option, "The address of RabbitMQ \(what). It looks like amqp://user:password@host:5672/vhost.")
    }
}

extension AMQPURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address without its password.
    var description: String {
        let path = virtualHost == "/" ? "/" : virtualHost
        return "\(tls == nil ? "amqp" : "amqps")://\(user):**@\(host):\(port)/\(path)"
    }

    var debugDescription: String { description }

    var customMirror: Mirror { Mirror(self, children: []) }
}

extension AMQPURL {
    /// Text without its percent signs.
    private static func decoded(_ text: Substring) throws -> String {
        guard let bytes = PercentEncoding.bytes(of: text) else {
            throw error("has a percent sign without two hexadecimal digits; a percent sign itself is %25")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Substring {
    /// Takes away what begins with the first `mark`; gives what stood behind the mark, or nil if there was none.
    fileprivate mutating func cut(from mark: Character) -> Substring? {
        guard let place = firstIndex(of: mark) else { return nil }
        defer { self = self[..<place] }
        return self[index(after: place)...]
    }
}
