import DashJSON
import Foundation
import Jobs
import Testing

@testable import JobsCelery

@Suite(
    "A manager and a worker over TLS",
    .takesTurns,
    .timeLimit(.minutes(10)),
    .enabled(if: RedisServer.isAvailable && findProgram("openssl") != nil, "needs redis-server and openssl")
)
struct WorkerTLSTests {
    /// Runs and cancels jobs at the addresses of an environment.
    private func jobs(_ environment: [String: String]) async throws {
        let jobs = try FixtureJobs(environment, queue: "tls")
        let worker = try WorkerProgram(["-c", "1", "--queues", "tls", "--loglevel", "warning"], environment)
        defer { worker.kill() }
        try await whileRunning(jobs.manager) {
            let sum = try await jobs.end(of: try await jobs.start("add", [1, 2]))
            #expect(sum.state == .succeeded)
            #expect(sum.result?.description == "3")
            let file = MarkFile()
            let long = try await jobs.start("mark", [.string(file.path), 3600])
            try await file.wait(for: "start")
            try await jobs.manager.cancel(long, reason: "on request")
            #expect(try await jobs.end(of: long).state == .cancelled)
            worker.process.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
        }
    }

    @Test("rediss:// for messages and results, on a Redis with TLS only")
    func redis() async throws {
        let certificates = try await TestCertificates()
        defer { certificates.remove() }
        let port = try freePort()
        let server = try await certificates.redis(port: port, isOpen: false)
        defer { server.kill() }
        try await jobs(["REDIS_URL": "rediss://localhost:\(port)/0?ssl_ca_certs=\(certificates.folder)/ca.pem"])
    }

    @Test(
        "amqps:// for messages, with a client certificate, and rediss:// for results",
        .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot)
    )
    func rabbit() async throws {
        let certificates = try await TestCertificates()
        defer { certificates.remove() }
        let folder = certificates.folder
        let (port, redisPort) = (try freePort(), try freePort())
        let rabbit = try await certificates.rabbit(port: port)
        let redis = try await certificates.redis(port: redisPort, isOpen: false)
        defer { withExtendedLifetime(rabbit) { redis.kill() } }
        let own = "cacert=\(folder)/ca.pem&cert=\(folder)/cert.pem&key=\(folder)/key.pem"
        try await jobs([
            "CELERY_BROKER_URL": "amqps://localhost:\(port)//?\(own)",
            "CELERY_RESULT_BACKEND": "rediss://localhost:\(redisPort)/0?ssl_ca_certs=\(folder)/ca.pem",
        ])
    }
}
