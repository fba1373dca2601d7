import Foundation

@testable import JobsCelery
@testable import RedisClient

/// A test CA and a certificate for `localhost` signed by it: `ca.pem`, `cert.pem` and `key.pem` in a temporary folder.
struct TestCertificates {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)").path

    init() async throws {
        guard let openssl = findProgram("openssl") else { throw NotInstalled(program: "openssl") }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        _ = try await runProgram(
            openssl,
            key + ["-subj", "/CN=authority", "-keyout", folder + "/ca.key", "-out", folder + "/ca.pem"]
        )
        _ = try await runProgram(
            openssl,
            key + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-CA", folder + "/ca.pem"]
                + ["-CAkey", folder + "/ca.key", "-addext", "basicConstraints=critical,CA:FALSE"]
                + ["-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"]
        )
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// A RabbitMQ server with a TLS port that requires a client certificate of this CA.
    func rabbit(port: Int) async throws -> RabbitServer {
        try await RabbitServer.start(settings: [
            "listeners.ssl.1 = 127.0.0.1:\(port)", "ssl_options.cacertfile = \(folder)/ca.pem",
            "ssl_options.certfile = \(folder)/cert.pem", "ssl_options.keyfile = \(folder)/key.pem",
            "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
        ])
    }

    /// A Redis server with a TLS port.
    ///
    /// - Parameter isOpen: Whether it accepts connections without TLS too.
    func redis(port: Int, isOpen: Bool = true) async throws -> RedisServer {
        let arguments = [
            "--tls-port", "\(port)", "--tls-cert-file", folder + "/cert.pem", "--tls-key-file", folder + "/key.pem",
            "--tls-auth-clients", "no",
        ]
        let server = try await RedisServer.start(arguments: arguments, port: isOpen ? nil : 0)
        var options = RedisOptions.patient(try RedisURL("rediss://localhost:\(port)?ssl_ca_certs=\(folder)/ca.pem"))
        options.connectTimeout = .seconds(60)
        let client = ReconnectingRedisClient(options)
        _ = try await whileRunning(client) { try await client.send(RedisCommand("PING")) }
        return server
    }
}
