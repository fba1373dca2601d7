import CeleryProtocol
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL

/// A Redis address in Celery's format.
///
/// `redis://[[user]:password@]host[:port][/database][?options]`, `rediss://` for TLS, `redis+socket:///path` or
/// `unix:///path` for a Unix domain socket. Descriptions never contain the password.
package struct RedisURL: Sendable, Hashable {
    package enum Place: Sendable, Hashable {
        case host(String, port: Int)
        case socket(path: String)
    }

    /// How the server's certificate is verified.
    enum Verification: Sendable, Hashable {
        case full
        case withoutHostname
        case none
    }

    package struct TLS: Sendable, Hashable {
        var verification = Verification.full
        /// PEM files; nil for the system's CAs and for no client certificate.
        var authorities: String?
        var certificate: String?
        var privateKey: String?
    }

    package var place: Place
    package var user: String?
    var password: String?
    package var database = 0
    package var tls: TLS?

    /// Reads an address.
    ///
    /// - Throws: `CeleryError` `.option` if it is invalid.
    package init(_ text: String) throws {
        let address: ServerAddress
        do { address = try ServerAddress(text) } catch { throw Self.wrong(error.text) }
        (user, password) = (address.user, address.password)
        switch address.scheme {
        case "redis", "rediss":
            place = .host(address.host ?? "localhost", port: address.port ?? 6379)
            tls = address.scheme == "rediss" ? TLS() : nil
            try setDatabase(address.path ?? "")
        case "redis+socket", "unix":
            guard let path = address.path, !path.isEmpty else { throw Self.wrong("has no socket path") }
            place = .socket(path: "/" + path)
        case let name: throw Self.wrong("has the unknown scheme '\(name)'; use redis://, rediss:// or redis+socket://")
        }
        for (name, value) in address.options { try set(name, value) }
    }

    private mutating func setDatabase(_ text: some StringProtocol) throws {
        guard !text.isEmpty else { return }
        guard let number = Int(text), number >= 0 else { throw Self.wrong("has an invalid database number") }
        database = number
    }

    private mutating func set(_ name: String, _ value: String) throws {
        switch name {
        case "virtual_host", "db": try setDatabase(value.drop { $0 == "/" })
        case "ssl_cert_reqs": try setTLS(name) { $0.verification = try Self.verification(value) }
        case "ssl_check_hostname":
            guard ["false", "False", "0", "no"].contains(value) else { return }
            try setTLS(name) { if $0.verification == .full { $0.verification = .withoutHostname } }
        case "ssl_ca_certs": try setTLS(name) { $0.authorities = value }
        case "ssl_certfile": try setTLS(name) { $0.certificate = value }
        case "ssl_keyfile": try setTLS(name) { $0.privateKey = value }
        case "socket_timeout", "socket_connect_timeout", "socket_keepalive", "health_check_interval",
            "retry_on_timeout", "max_connections", "client_name", "protocol", "connect_timeout", "heartbeat":
            break  // Options of Python's client, without effect here.
        default:
            throw Self.wrong("has the unknown option '\(name)'; use virtual_host or ssl_…")
        }
    }

    private mutating func setTLS(_ option: String, _ change: (inout TLS) throws -> Void) throws {
        guard var changed = tls else { throw Self.wrong("has the option '\(option)', which requires rediss://") }
        try change(&changed)
        tls = changed
    }

    private static func verification(_ value: String) throws -> Verification {
        switch value.lowercased() {
        case "required", "cert_required", "optional", "cert_optional": return .full
        case "none", "cert_none": return .none
        default: throw wrong("has an invalid ssl_cert_reqs; use required, optional or none")
        }
    }

    private static func wrong(_ what: String) -> CeleryError {
        .option("The address of Redis \(what). Expected: redis://[[user]:password@]host[:port][/database].")
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address without user and password.
    package var description: String {
        switch place {
        case .host(let host, let port):
            "\(tls == nil ? "redis" : "rediss")://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        case .socket(let path): "redis+socket://\(path)?virtual_host=\(database)"
        }
    }

    package var debugDescription: String { description }

    /// Hides the password from `dump`.
    package var customMirror: Mirror { Mirror(self, children: ["address": description]) }
}

extension RedisURL {
    /// The server name for TLS; nil for an IP address.
    var serverName: String? {
        guard case .host(let host, _) = place, (try? SocketAddress(ipAddress: host, port: 0)) == nil else { return nil }
        return host
    }

    /// The error message for a refused subscription, with the remedy.
    package func channelRefusal(_ message: String) -> String {
        guard message.hasPrefix("NOPERM") else { return "Redis at \(self) refused a subscription: \(message)" }
        return "Redis at \(self) does not allow its user any channels, which jobs require. "
            + "Grant them with: ACL SETUSER \(user ?? "default") &* (\(message))"
    }
}

package struct RedisOptions: Sendable {
    package var url: RedisURL
    /// The name in Redis' CLIENT LIST; no spaces.
    package var name = "dash"
    /// Commands sent first on every new connection, which an error reply ends.
    package var preamble: [RedisCommand] = []
    /// How long a command waits for a connection, and a connection for the server.
    package var connectTimeout = Duration.seconds(5)
    /// The interval of liveness checks: after two silent beats while a reply is expected a PING is sent, after six the
    /// connection counts as lost. Counts beats instead of time, so that a suspended process keeps its connections.
    var beat = Duration.milliseconds(500)
    /// The first and the longest delay between connection attempts.
    var shortestWait = Duration.milliseconds(50)
    var longestWait = Duration.seconds(2)
    package var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    package var logger: Logger

    package init(_ url: RedisURL, name: String = "dash", logger: Logger) {
        self.url = url
        self.name = name
        self.logger = logger
    }
}

extension RedisURL.TLS {
    /// Reads the files and creates the TLS context. Blocks.
    func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        switch verification {
        case .full: configuration.certificateVerification = .fullVerification
        case .withoutHostname: configuration.certificateVerification = .noHostnameVerification
        case .none: configuration.certificateVerification = .none
        }
        do {
            if let authorities { configuration.trustRoots = .file(authorities) }
            if let certificate {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
                let key = try NIOSSLPrivateKey(file: privateKey ?? certificate, format: .pem)
                configuration.privateKey = .privateKey(key)
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw CeleryError.option(
                "The certificates for Redis cannot be read: check ssl_ca_certs, ssl_certfile and ssl_keyfile.",
                cause: error
            )
        }
    }
}
