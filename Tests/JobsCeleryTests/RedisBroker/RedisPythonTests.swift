import DashJSON
import Foundation
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// The Python environment with Celery.
private let python = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../.venv/test/bin/python").standardized.path

@Suite(
    "Celery's own producers and workers on Redis",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable && FileManager.default.isExecutableFile(atPath: python), "needs .venv/test")
)
struct RedisPythonTests {
    private static let application = """
        import os, sys
        from celery import Celery
        app = Celery("lab", broker=os.environ["URL"], backend=os.environ["URL"])
        app.conf.broker_transport_options = {"global_keyprefix": os.environ.get("PREFIX", "")}
        app.conf.task_default_queue = "q"

        @app.task(name="lab.add")
        def add(x, y):
            return x + y

        """

    private func run(_ text: String, at url: RedisURL, prefix: String = "") throws -> TestServerProcess {
        try TestServerProcess(
            python,
            arguments: ["-c", Self.application + text],
            environment: [
                "URL": "redis://127.0.0.1:\(port(url))/\(url.database)", "PREFIX": prefix, "PYTHONWARNINGS": "ignore",
            ]
        )
    }

    private func port(_ url: RedisURL) -> Int { if case .host(_, let port) = url.place { port } else { 0 } }

    @Test("send messages that Swift fetches, with all priorities and typed values", arguments: ["", "site_"])
    func producer(prefix: String) async throws {
        var options = RedisBrokerOptions()
        options.keys.prefix = prefix
        let stage = try await RedisStage(options: options)
        let consumer = stage.consumer()
        try await whileRunning(stage.broker, consumer) {
            let program = """
                for number in range(10):
                    app.send_task("lab.add", (number, "ü\\U0001F600"), {"y": None}, priority=number, task_id=f"id-{number}")
                """
            let process = try run(program, at: stage.url, prefix: prefix)
            defer { process.end(SIGKILL) }
            let all = await RedisStage.take(10, from: consumer)
            #expect(Set(all.compactMap { $0.task.headers["id"]?.stringValue }) == Set((0..<10).map { "id-\($0)" }))
            for delivery in all {
                #expect(delivery.queue == "q" && delivery.task.headers["task"] == "lab.add")
                let body = try JSON(parsing: delivery.task.body)
                #expect(body[0] == [.int(delivery.task.priority), "ü😀"] && body[1] == ["y": nil])
                await consumer.settle(delivery, as: .acknowledged)
            }
            try await stage.expectHeld(0)
        }
    }

    @Test("run published messages, also those that a Swift worker requeued")
    func worker() async throws {
        let stage = try await RedisStage()
        let consumer = stage.consumer()
        try await whileRunning(stage.broker) {
            try await whileRunning(consumer) {
                for number in 0..<4 {
                    var task = RedisStage.task(number, priority: 3 * number)
                    task.headers = ["task": "lab.add", "id": .string("py-\(stage.url.database)-\(number)")]
                    task.body = Array("[[\(number), 1], {}, {}]".utf8)
                    try await stage.broker.publish(task)
                }
                for delivery in await RedisStage.take(2, from: consumer) {
                    await consumer.settle(delivery, as: .returned)
                }
                consumer.stopFetching()
            }
            var results: [AsyncStream<RedisMessage?>] = []
            for number in 0..<4 {
                let channel = "celery-task-meta-py-\(stage.url.database)-\(number)"
                results.append(try await stage.broker.subscriber.messages(of: channel, isPattern: false))
            }
            let process = try run(
                "app.worker_main(['worker', '-P', 'solo', '--loglevel', 'ERROR', '--without-gossip', '--without-mingle'])",
                at: stage.url
            )
            defer { process.end(SIGKILL) }
            for (number, stream) in results.enumerated() {
                var messages = stream.makeAsyncIterator()
                let meta = try JSON(parsing: try #require(await messages.next() ?? nil).payload)
                #expect(meta["status"] == "SUCCESS" && meta["result"] == .int(number + 1))
            }
        }
    }

    @Test("send requests to workers and read the replies")
    func inspect() async throws {
        let stage = try await RedisStage()
        try await whileRunning(stage.broker) {
            let requests = stage.broker.broadcasts()
            try await stage.broker.subscriber.subscribe(to: stage.broker.keys.channel(of: "celery.pidbox")) { _ in }
                .confirmed()
            let answers = try await stage.broker.subscriber.messages(
                of: "answers-\(stage.url.database)",
                isPattern: false
            )
            let program = """
                import json
                from redis import Redis
                reply = app.control.ping(timeout=10, destination=["swift@test"])
                Redis.from_url(os.environ["URL"]).publish("answers-\(stage.url.database)", json.dumps(reply))
                """
            let process = try run(program, at: stage.url)
            defer { process.end(SIGKILL) }
            var tasks = requests.makeAsyncIterator()
            let request = try #require(await tasks.next())
            let body = try JSON(parsing: request.body)
            #expect(body["method"] == "ping")
            var reply = BrokerMessage()
            reply.routingKey = try #require(body["reply_to"]["routing_key"].stringValue)
            reply.headers = ["ticket": body["ticket"], "clock": 1]
            reply.body = Array(#"{"swift@test": {"ok": "pong"}}"#.utf8)
            try await stage.broker.reply(reply)
            var messages = answers.makeAsyncIterator()
            let answer = try #require(await messages.next() ?? nil)
            #expect(try JSON(parsing: answer.payload) == [["swift@test": ["ok": "pong"]]])
        }
    }
}
