import Foundation
import Testing

@testable import JobsCelery

@Suite("RabbitMQ over TLS", .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot), .timeLimit(.minutes(2)))
struct RabbitTLSTests {
    @Test("Certificate and host name are checked, and a certificate of ours is shown where one is asked for")
    func verifies() async throws {
        guard let openssl = findProgram("openssl") else { throw NotInstalled(program: "openssl") }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
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
        let port = try freePort()
        let server = try await RabbitServer.start(settings: [
            "listeners.ssl.1 = 127.0.0.1:\(port)", "ssl_options.cacertfile = \(folder)/ca.pem",
            "ssl_options.certfile = \(folder)/cert.pem", "ssl_options.keyfile = \(folder)/key.pem",
            "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
        ])
        let own = "cert=\(folder)/cert.pem&key=\(folder)/key.pem"
        let trusting = "amqps://localhost:\(port)//?cacert=\(folder)/ca.pem&\(own)"
        try await withBroker(address: trusting) { broker, queue in
            try await broker.publish(sampleTask(queue))
            #expect(try await broker.count(queue) == 1)
            #expect(broker.information.usesTLS)
        }
        var options = RabbitOptions()
        options.publishTimeout = 1500
        for address in [
            "amqps://localhost:\(port)//?\(own)",
            "amqps://127.0.0.1:\(port)//?cacert=\(folder)/ca.pem&\(own)",
            "amqps://localhost:\(port)//?cacert=\(folder)/ca.pem",
            "amqps://localhost:\(server.port)//?cacert=\(folder)/ca.pem&\(own)",
        ] {
            try await withBroker(options: options, address: address) { broker, queue in
                await expect(.unreachable) { try await broker.publish(sampleTask(queue)) }
            }
        }
        try await withBroker(address: "amqps://127.0.0.1:\(port)//?verify=none&\(own)") { broker, queue in
            try await broker.publish(sampleTask(queue))
        }
    }
}
