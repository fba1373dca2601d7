import CeleryProtocol
import JobsCelery

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
        if text.contains(";") { throw Self.error("names several servers; only one is supported") }
        let address: ServerAddress
        do { address = try ServerAddress(text) } catch { throw Self.error(error.text) }
        switch address.scheme {
        case "amqp", "pyamqp": break
        case "amqps", "pyamqps": (tls, port) = (AMQPTLS(), 5671)
        case let other: throw Self.error("has the unknown scheme \(other); use amqp or amqps")
        }
        (host, port) = (address.host ?? host, address.port ?? port)
        (user, password) = (address.user ?? user, address.password ?? password)
        if let path = address.path, !path.isEmpty { virtualHost = path }
        for (name, value) in address.options { try take(option: name, value) }
    }

    private mutating func take(option name: String, _ value: String) throws {
        switch name {
        case "heartbeat": heartbeat = try Self.seconds(value, of: name)
        case "connect_timeout", "connection_timeout": connectTimeout = max(1, try Self.seconds(value, of: name))
        default:
            guard try tls?.take(option: name, value: value) == true else {
                throw Self.error("has the option \(name), which is unknown\(tls == nil ? " without TLS (amqps)" : "")")
            }
        }
    }

    private static func seconds(_ text: String, of name: String) throws -> Int {
        guard let value = Int(text), 0...3600 ~= value else {
            throw error("has an invalid \(name); use whole seconds from 0 to 3600")
        }
        return value
    }

    static func error(_ what: String) -> CeleryError {
        .option("The address of RabbitMQ \(what). Expected: amqp://user:password@host:5672/vhost.")
    }
}

extension AMQPURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address without its password.
    var description: String { "\(tls == nil ? "amqp" : "amqps")://\(user):**@\(host):\(port)/\(virtualHost)" }

    var debugDescription: String { description }

    var customMirror: Mirror { Mirror(self, children: []) }
}
