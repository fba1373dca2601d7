import CeleryProtocol
import JobsCelery
import Support

/// A RabbitMQ address: `amqp://user:password@host:5672/vhost?heartbeat=30`.
///
/// Parsed as in Celery: `amqps` uses TLS, `pyamqp` is an alias of `amqp`. The defaults are `guest`, `guest`,
/// `localhost`, 5672 (5671 with TLS) and virtual host `/`. The path's first slash is not part of the virtual host, so
/// `//` and `/%2F` both mean `/`. Descriptions never contain the password.
struct AMQPURL: Sendable, Hashable {
    var host = "localhost"
    var port = 5672
    var user = "guest"
    var password = "guest"
    var virtualHost = "/"
    var tls: AMQPTLS?
    /// The requested heartbeat interval, in seconds; 0 for none. After two missed heartbeats a connection counts as
    /// lost, and RabbitMQ redelivers the worker's messages to others: a dead connection delays a job by that long.
    var heartbeat = 3
    /// The timeout of connecting and logging in, in seconds.
    var connectTimeout = 5

    init(_ text: String) throws {
        guard let scheme = text.firstRange(of: "://") else { throw Self.error("has no scheme; use amqp://") }
        try take(scheme: text[..<scheme.lowerBound].lowercased())
        var rest = text[scheme.upperBound...]
        if rest.contains(";") { throw Self.error("names several servers; only one is supported") }
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
        default: throw Self.error("has the unknown scheme \(scheme); use amqp or amqps")
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
        guard let port = Int(number), 1...65_535 ~= port else { throw Self.error("has the invalid port \(number)") }
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
                throw Self.error("has the option \(name), which is unknown\(tls == nil ? " without TLS (amqps)" : "")")
            }
        }
    }

    private static func seconds(_ text: String, of name: Substring) throws -> Int {
        guard let value = Int(text), 0...3600 ~= value else {
            throw error("has an invalid \(name); use whole seconds from 0 to 3600")
        }
        return value
    }

    /// Decodes percent-encoded text.
    private static func decoded(_ text: Substring) throws -> String {
        guard let bytes = PercentEncoding.bytes(of: text) else {
            throw error("has a percent sign without two hexadecimal digits; write a percent sign as %25")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func error(_ what: String) -> CeleryError {
        CeleryError(.option, "The address of RabbitMQ \(what). Expected: amqp://user:password@host:5672/vhost.")
    }
}

extension AMQPURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address without its password.
    var description: String { "\(tls == nil ? "amqp" : "amqps")://\(user):**@\(host):\(port)/\(virtualHost)" }

    var debugDescription: String { description }

    var customMirror: Mirror { Mirror(self, children: []) }
}

extension Substring {
    /// Removes everything from the first `mark` on; returns the text after it, or nil without a mark.
    fileprivate mutating func cut(from mark: Character) -> Substring? {
        guard let place = firstIndex(of: mark) else { return nil }
        defer { self = self[..<place] }
        return self[index(after: place)...]
    }
}
