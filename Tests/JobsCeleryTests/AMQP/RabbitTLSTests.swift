import DashJSON
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "RabbitMQ over TLS",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitTLSTests {
    @Test("Certificate and host name are verified, and a client certificate is sent if requested")
    func verifies() async throws {
        let certificates = try await TestCertificates()
        defer { certificates.remove() }
        let folder = certificates.folder
        let port = try freePort()
        let server = try await certificates.rabbit(port: port)
        let own = "cert=\(folder)/cert.pem&key=\(folder)/key.pem"
        let trusting = "amqps://localhost:\(port)//?cacert=\(folder)/ca.pem&\(own)"
        try await withBroker(address: trusting) { broker, queue in
            try await broker.publish(sampleTask(queue))
            #expect(try await broker.count(queue) == 1)
            #expect(broker.information["ssl"] == true)
        }
        var options = RabbitOptions.patient
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
