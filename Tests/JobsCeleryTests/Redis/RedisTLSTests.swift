import Foundation
import Testing

@testable import JobsCelery

@Suite(
    "Redis over TLS",
    .enabled(if: RedisServer.isAvailable && findProgram("openssl") != nil, "needs redis-server and openssl")
)
struct RedisTLSTests {
    /// A server with a certificate for `localhost` that it signed itself.
    private func server() async throws -> (RedisServer, port: Int, certificate: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/cert.pem")
        let openssl = try TestServerProcess(
            try #require(findProgram("openssl")),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ]
        )
        let deadline = ContinuousClock.now + .seconds(30)
        while (try? String(contentsOfFile: certificate, encoding: .utf8))?.contains("END CERTIFICATE") != true {
            try #require(.now < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
        openssl.end(SIGTERM)
        let port = try freePort()
        let server = try await RedisServer.start(arguments: [
            "--tls-port", "\(port)", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no",
        ])
        return (server, port, certificate)
    }

    private func answer(at address: String) async throws -> String? {
        let client = ReconnectingRedisClient(RedisOptions.patient(try RedisURL(address)))
        return try await whileRunning(client) { try await client.send(RedisCommand("PING")).text }
    }

    @Test("is let in with the right authority, refused with a wrong name or an unknown authority")
    func certificates() async throws {
        let (server, port, certificate) = try await server()
        defer { try? FileManager.default.removeItem(atPath: certificate.replacing("/cert.pem", with: "")) }
        let authority = "ssl_ca_certs=\(certificate)"
        #expect(try await answer(at: "rediss://localhost:\(port)?\(authority)") == "PONG")
        #expect(try await answer(at: "rediss://127.0.0.1:\(port)?\(authority)&ssl_check_hostname=false") == "PONG")
        #expect(try await answer(at: "rediss://127.0.0.1:\(port)?ssl_cert_reqs=none") == "PONG")
        for wrong in ["localhost:\(port)", "127.0.0.1:\(port)?\(authority)", "localhost:\(server.port)?\(authority)"] {
            let error = await #expect(throws: CeleryError.self) { try await answer(at: "rediss://\(wrong)") }
            #expect(error?.code == .unreachable)
        }
    }

    @Test("says which files of certificates cannot be read")
    func files() async throws {
        let error = await #expect(throws: CeleryError.self) {
            try await answer(at: "rediss://localhost?ssl_ca_certs=/nowhere.pem")
        }
        #expect(error?.code == .option)
    }
}
