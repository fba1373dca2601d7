import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// How a connection to Redis is made and kept.
struct RedisOptions: Sendable {
    var url: RedisURL
    /// The name in Redis' CLIENT LIST; no spaces.
    var name = "dash"
    /// Commands that begin every new connection; whether Redis took them is told by `RedisConnection.tookPreamble`.
    var preamble: [RedisCommand] = []
    /// How long a command waits for a connection, and a connection for the server.
    var connectTimeout = Duration.seconds(5)
    /// When nothing was heard for two of these while something is awaited, a PING asks; after six the connection counts as
    /// lost. Beats are counted, not time, so that a process that was stopped does not blame its connections.
    var beat = Duration.milliseconds(500)
    /// Waits between attempts to connect: the first and the longest.
    var shortestWait = Duration.milliseconds(50)
    var longestWait = Duration.seconds(2)
    var group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    var logger: Logger

    init(_ url: RedisURL, name: String = "dash", logger: Logger) {
        self.url = url
        self.name = name
        self.logger = logger
    }
}

extension RedisURL.TLS {
    /// Reads the files and makes what connections are secured with. Blocks.
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
                "The certificates for Redis cannot be read: look at ssl_ca_certs, ssl_certfile and ssl_keyfile.",
                cause: error
            )
        }
    }
}
