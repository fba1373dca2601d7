import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Redis over TLS",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable && findProgram("openssl") != nil, "needs redis-server and openssl")
)
struct RedisTLSTests {
    /// - Parameter limit: The connection timeout.
    private func answer(at address: String, within limit: Duration = .patience) async throws -> String? {
        var options = RedisOptions.patient(try RedisURL(address))
        options.connectTimeout = limit
        let client = ReconnectingRedisClient(options)
        return try await whileRunning(client) { try await client.send(RedisCommand("PING")).text }
    }

    @Test("the certificate's CA and host name are verified")
    func certificates() async throws {
        let certificates = try await TestCertificates()
        defer { certificates.remove() }
        let port = try freePort()
        let server = try await certificates.redis(port: port)
        let authority = "ssl_ca_certs=\(certificates.folder)/ca.pem"
        #expect(try await answer(at: "rediss://localhost:\(port)?\(authority)") == "PONG")
        #expect(try await answer(at: "rediss://127.0.0.1:\(port)?\(authority)&ssl_check_hostname=false") == "PONG")
        #expect(try await answer(at: "rediss://127.0.0.1:\(port)?ssl_cert_reqs=none") == "PONG")
        for wrong in ["localhost:\(port)", "127.0.0.1:\(port)?\(authority)", "localhost:\(server.port)?\(authority)"] {
            let error = await #expect(throws: CeleryError.self) {
                try await answer(at: "rediss://\(wrong)", within: .seconds(5))
            }
            #expect(error?.code == .unreachable)
        }
    }

    @Test("an unreadable certificate file throws")
    func files() async throws {
        let error = await #expect(throws: CeleryError.self) {
            try await answer(at: "rediss://localhost?ssl_ca_certs=/nowhere.pem")
        }
        #expect(error?.code == .option)
    }
}
