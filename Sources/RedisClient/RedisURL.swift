import CeleryProtocol
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import Support

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
        /// Without the host name.
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
        guard let colon = text.firstRange(of: "://") else { throw Self.wrong("has no '://'") }
        let parts = text[colon.upperBound...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let scheme = text[..<colon.lowerBound]
        switch scheme {
        case "redis", "rediss":
            let (authority, path) = Self.cut(parts[0], at: "/")
            (user, password, place) = try Self.authority(authority)
            if let path { try setDatabase(path) }
            tls = scheme == "rediss" ? TLS() : nil
        case "redis+socket", "unix":
            let (access, path) = Self.cut(parts[0], at: "/")
            (user, password, _) = try Self.authority(access)
            guard let path, !path.isEmpty else { throw Self.wrong("has no socket path") }
            place = .socket(path: "/" + (try Self.decoded(path)))
        default:
            throw Self.wrong("has the unknown scheme '\(scheme)'; use redis://, rediss:// or redis+socket://")
        }
        guard parts.count == 2 else { return }
        for option in parts[1].split(separator: "&") {
            let (name, value) = Self.cut(option, at: "=")
            try set(String(name), try Self.decoded(value ?? ""))
        }
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
            "retry_on_timeout",
            "max_connections", "client_name", "protocol", "connect_timeout", "heartbeat":
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

    private static func authority(_ text: Substring) throws -> (user: String?, password: String?, Place) {
        var host = text
        var user: String?
        var password: String?
        if let at = text.lastIndex(of: "@") {
            let (first, second) = cut(text[..<at], at: ":")
            // As in Celery, a single word before the @ is the user.
            user = first.isEmpty ? nil : try decoded(first)
            password = try second.map { try decoded($0) }
            host = text[text.index(after: at)...]
        }
        let (name, port) = try endpoint(host)
        return (user, password, .host(name.isEmpty ? "localhost" : name, port: port))
    }

    private static func endpoint(_ text: Substring) throws -> (host: String, port: Int) {
        let isBracketed = text.first == "["
        let end = isBracketed ? text.firstIndex(of: "]") : text.firstIndex(of: ":")
        guard let end else {
            guard !isBracketed else { throw wrong("has a '[' without ']'") }
            return (try decoded(text), 6379)
        }
        let host = isBracketed ? text[text.index(after: text.startIndex)..<end] : text[..<end]
        let digits = (isBracketed ? text[text.index(after: end)...] : text[end...]).drop { $0 == ":" }
        guard let port = digits.isEmpty ? 6379 : Int(digits), (1...65_535).contains(port) else {
            throw wrong(
                "has an invalid port; write '/', '@' or ':' in a password as %2F, %40 or %3A"
            )
        }
        return (try decoded(host), port)
    }

    private static func cut(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func decoded(_ text: some StringProtocol) throws -> String {
        guard let bytes = PercentEncoding.bytes(of: text) else { throw wrong("has an invalid percent encoding") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func wrong(_ what: String) -> CeleryError {
        CeleryError(
            .option,
            "The address of Redis \(what). Expected: redis://[[user]:password@]host[:port][/database]."
        )
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
    /// Commands sent first on every new connection; see `RedisConnection.reportsChanges`.
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
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(file: privateKey ?? certificate, format: .pem)
                )
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw CeleryError(
                .option,
                "The certificates for Redis cannot be read: check ssl_ca_certs, ssl_certfile and ssl_keyfile.",
                cause: error
            )
        }
    }
}
