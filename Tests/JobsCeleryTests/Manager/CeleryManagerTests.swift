import DashJSON
import Jobs
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite("The addresses of a queue")
struct CeleryManagerTests {
    private func sentence(
        _ broker: String,
        _ results: String? = nil,
        brokers: [CeleryTransport] = [.redis, .rabbitMQ]
    ) -> String? {
        do {
            _ = try CeleryManager(broker: broker, results: results, brokers: brokers)
            return nil
        } catch {
            return (error as? CeleryError)?.message
        }
    }

    @Test(
        "valid addresses",
        arguments: [
            ("redis://localhost:6379/0", nil), ("rediss://:secret@host/1", nil), ("redis://a", "redis://b/2"),
            ("amqp://guest:guest@localhost//", "redis://localhost"), ("amqps://host/vhost", "rpc://"),
        ] as [(String, String?)]
    )
    func known(broker: String, results: String?) {
        #expect(sentence(broker, results) == nil)
    }

    @Test("RabbitMQ without a result backend is refused, with a hint")
    func withoutResults() {
        #expect(sentence("amqp://localhost")?.contains("CELERY_RESULT_BACKEND") == true)
        #expect(sentence("redis://localhost", "rpc://")?.contains("require RabbitMQ") == true)
    }

    @Test("RabbitMQ without its product is refused, with the product's name", arguments: ["amqp", "amqps", "pyamqp"])
    func withoutProduct(scheme: String) {
        let message = sentence("\(scheme)://user:secret@host", "redis://localhost", brokers: [.redis])
        #expect(message?.contains("JobsRabbitMQ") == true)
        #expect(message?.contains("brokers: [.redis, .rabbitMQ]") == true)
        #expect(message?.contains("secret") == false)
        #expect(sentence("redis://localhost", brokers: [.rabbitMQ])?.contains("does not contain .redis") == true)
    }

    @Test("unsupported schemes have errors that name them, without passwords")
    func unknown() {
        #expect(sentence("kafka://user:secret@host")?.hasPrefix("Unknown broker scheme “kafka”.") == true)
        #expect(sentence("sqs://")?.contains("Use redis://") == true)
        let database = sentence("redis://localhost", "db+postgresql://user:secret@host/db")
        #expect(database?.contains("“db+postgresql”") == true)
        #expect(database?.contains("secret") == false)
        #expect(sentence("redis://localhost", "nowhere://x")?.contains("“nowhere”") == true)
        #expect(sentence("localhost")?.contains("“localhost”") == true)
    }

    private func from(_ variables: [String: String]) throws -> CeleryManager? {
        try CeleryManager.from([.redis, .rabbitMQ], CeleryManager.Options()) { variables[$0] }
    }

    @Test("the environment configures a queue, or none")
    func environment() throws {
        let nothing = try from([:])
        #expect(nothing == nil)
        let empty = try from(["REDIS_URL": ""])
        #expect(empty == nil)
        #expect(try from(["REDIS_URL": "redis://localhost"])?.isShared == true)
        #expect(
            try from(["CELERY_BROKER_URL": "amqp://localhost", "CELERY_RESULT_BACKEND": "rpc://"])?.isShared == false
        )
        #expect(
            try from(["CELERY_BROKER_URL": "amqp://localhost", "REDIS_URL": "redis://localhost"])?.isShared == true
        )
        #expect(throws: CeleryError.self) { try from(["CELERY_BROKER_URL": "amqp://localhost"]) }
        #expect(throws: CeleryError.self) { try from(["CELERY_RESULT_BACKEND": "redis://localhost"]) }
    }

    @Test("remote control shows the addresses without passwords", arguments: ["redis", "rediss", "amqp", "amqps"])
    func shown(scheme: String) throws {
        let manager = try CeleryManager(
            broker: "\(scheme)://me:secret@host",
            results: "redis://:secret@other/1",
            brokers: [.redis, .rabbitMQ]
        )
        let settings = manager.shownSettings
        #expect(settings["broker_url"]?.stringValue?.contains("host") == true)
        #expect(settings["result_backend"]?.stringValue?.contains("other") == true)
        #expect(!settings.contains { $0.value.text.contains("secret") })
    }

    @Test("worker names are expanded as by Celery's command line")
    func nodes() throws {
        #expect(try NodeName.expanded("dash@%h", host: "web1.example.org") == "dash@web1.example.org")
        #expect(try NodeName.expanded("a@%n-%d-%%", host: "web1.example.org") == "a@web1-example.org-%")
        #expect(try NodeName.expanded("small", host: "web1") == "small@web1")
        #expect(throws: CeleryError.self) { try NodeName.expanded("%i@%h", host: "web1") }
    }

    @Test("paths of worker files are expanded as by Celery's command line")
    func paths() throws {
        #expect(try NodeName.path("/run/%n.pid", of: "w1@web1.example.org") == "/run/w1.pid")
        #expect(try NodeName.path("%p %h %d %%", of: "w1@web1.net") == "w1@web1.net web1.net net %")
        #expect(throws: CeleryError.self) { try NodeName.path("/run/%i.pid", of: "w1@web1") }
    }

    @Test("jobs that wait without a worker cause one warning, after a delay, and another after workers have left")
    func warning() {
        var notes = SweepNotes()
        let start = ContinuousClock.now
        let seen = [(1, 0, 0), (1, 0, 2), (1, 0, 3), (2, 0, 9), (2, 1, 10), (2, 0, 11), (2, 0, 14)]
        let warned = seen.map { queued, workers, second in
            notes.warns(queued: queued, workers: workers, at: start + .seconds(second))
        }
        #expect(warned == [false, false, true, false, false, false, true])
    }
}
