import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

/// Compares the frames sent to RabbitMQ with recordings of Celery. Allowed differences, besides random names:
///
/// - `connection.start-ok`: the product, the connection's name, and the capability of publisher confirms.
/// - `connection.tune-ok`: Celery's publishing connections request no heartbeat; ours do, to detect a dead connection.
/// - `basic.publish`: ours is mandatory, so that an unroutable message is an error (and is confirmed separately).
/// - `expiration` of a message with `expires`: RabbitMQ silently drops such a task. Ours reaches a worker, which
///   reports that it has expired.
/// - `connection.open`: librabbitmq sets `insist`, which RabbitMQ ignores.
/// - `basic.consume`: the consumer tag.
/// - `rpc://`: our result queue is not deleted with its connection, so that a reconnection loses no result.
/// - Celery repeats some declarations; ours are sent once per connection.
@Suite(
    "Our frames equal Celery's",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RecordedFramesTests {
    /// The frames sent while `body` runs.
    private func frames(
        options: RabbitOptions = .patient,
        _ body: (RabbitBroker) async throws -> Void
    ) async throws -> [JSON] {
        let url = try await RabbitServer.shared().url
        let tap = try await AMQPTap.start(to: url.port)
        let address = "amqp://\(url.user):\(url.password)@127.0.0.1:\(tap.port)//?connect_timeout=120"
        try await withBroker(options: options, address: address) { broker, _ in try await body(broker) }
        return tap.frames
    }

    /// Celery's frames in a recording, of some methods.
    private func recorded(
        _ name: String,
        _ methods: String...,
        where isMeant: (JSON) -> Bool = { _ in true }
    ) throws -> [JSON] {
        let file = try Fixtures.read("rabbitmq/\(name)")
        let all = (file["frames"].arrayValue ?? []) + (file["publishes"].arrayValue ?? [])
        return all.filter { $0["dir"] == "C" && methods.contains($0["method"].stringValue ?? "") && isMeant($0) }
            .map { Self.plain($0) }
    }

    /// A frame without the parts that may differ.
    private static func plain(_ frame: JSON) -> JSON {
        var frame: JSON = [
            "method": frame["method"], "args": frame["args"], "properties": frame["properties"], "body": frame["body"],
            "body_hex": frame["body_hex"],
        ]
        if frame["method"] == "basic.publish" {
            frame["args"]["mandatory"] = false
            if case .object(var properties) = frame["properties"] {
                properties["expiration"] = nil
                frame["properties"] = .object(properties)
            }
        }
        if frame["method"] == "connection.open" { frame["args"]["insist"] = false }
        if frame["method"] == "basic.consume" { frame["args"]["consumer_tag"] = "" }
        return frame
    }

    private func expect(_ ours: [JSON], contain theirs: [JSON], at place: SourceLocation = #_sourceLocation) {
        #expect(!theirs.isEmpty, sourceLocation: place)
        let plain = Set(ours.map { Self.plain($0) })
        for frame in theirs { #expect(plain.contains(frame), "\(frame)", sourceLocation: place) }
    }

    @Test("A producer's first message: exchange, queue, binding, message, field by field")
    func firstSend() async throws {
        let task = try #require(Fixtures.tasks(in: "rabbitmq/producer-first-send").first).raw
        let ours = try await frames { try await $0.publish(task) }
        let methods = ["exchange.declare", "queue.declare", "queue.bind", "basic.publish"]
        let theirs = try methods.flatMap { try recorded("producer-first-send", $0) }
        expect(ours, contain: theirs)
        let open = try recorded("producer-first-send", "connection.open")
        expect(ours, contain: open)
        let start = ours.first { $0["method"] == "connection.start-ok" }
        let theirStart = try recorded("producer-first-send", "connection.start-ok")[0]["args"]["client_properties"]
        for name in ["consumer_cancel_notify", "connection.blocked", "authentication_failure_close"] {
            #expect(start?["args"]["client_properties"]["capabilities"][name] == theirStart["capabilities"][name])
        }
        // Celery uses the server's 60 seconds: a half-open connection would hold its jobs for two minutes (F11).
        let heartbeats = ours.filter { $0["method"] == "connection.tune-ok" }.map { $0["args"]["heartbeat"] }
        #expect(!heartbeats.isEmpty)
        #expect(heartbeats.allSatisfy { $0 == 3 })
    }

    @Test("All kinds of task messages, field by field", arguments: Fixtures.names("rabbitmq/task-"))
    func messages(_ name: String) async throws {
        let tasks = try Fixtures.tasks(in: name)
        let ours = try await frames { broker in
            for task in tasks { try await broker.publish(task.raw) }
        }
        let theirs = try recorded(String(name.dropFirst("rabbitmq/".count)), "basic.publish") {
            $0["properties"]["headers"]["task"].stringValue != nil
        }
        #expect(theirs.allSatisfy { $0["body"] != .null || $0["body_hex"] != .null })
        expect(ours, contain: theirs)
    }

    @Test("A queue with priorities")
    func priorities() async throws {
        let task = try #require(Fixtures.tasks(in: "rabbitmq/queue-prio").first).raw
        let options = RabbitOptions(queue: task.routingKey, maximumPriority: 10)
        let ours = try await frames(options: options) { try await $0.publish(task) }
        let theirs = try recorded("queue-prio", "queue.declare", "queue.bind") {
            $0["args"]["queue"].stringValue == task.routingKey
        }
        expect(ours, contain: theirs)
    }

    @Test("A worker's start: its queue, limit, remote control and events")
    func workerStart() async throws {
        let methods = ["exchange.declare", "queue.declare", "queue.bind", "basic.consume", "basic.qos"]
        let node = "worker1@host"
        let theirs = try methods.flatMap { try recorded("worker-start", $0) }.filter { frame in
            // We declare nothing for gossip and mingle.
            let text = frame.text
            return !text.contains("celeryev.") && !text.contains("-") || text.contains(node)
        }
        #expect(theirs.count >= 9)
        let ours = try await frames(options: RabbitOptions(node: node)) { broker in
            let consumer = try broker.makeConsumer(.sample, queues: ["celery"], prefetch: 8)
            let requests = broker.broadcasts()
            await broker.publishEvent(sampleMessage("celeryev"))
            try await whileRunning(consumer) {
                // A broadcast arrives once everything is declared.
                let saying = Task {
                    while true {
                        try await broker.broadcast(sampleMessage("celery.pidbox"))
                        // The interval of the repetition.
                        try await Task.sleep(for: .milliseconds(50))
                    }
                }
                _ = await requests.first { _ in true }
                saying.cancel()
                try await broker.publish(BrokerMessage(routingKey: "celery"))
                await consumer.settle(await consumer.take(1)[0], as: .acknowledged)
            }
        }
        expect(ours, contain: theirs)
    }

    @Test("A result for rpc:// equals Celery's message")
    func rpc() async throws {
        let theirs = try recorded("rpc-result", "basic.publish") { $0["properties"]["headers"] == [:] }
        let ours = try await frames { broker in
            for frame in theirs {
                try await broker.publishResult(
                    Array((frame["body"].stringValue ?? "").utf8),
                    of: frame["properties"]["correlation_id"].stringValue ?? "",
                    to: frame["args"]["routing_key"].stringValue ?? ""
                )
            }
        }
        // Ours are persistent, as their queue is: they survive a restart of the server.
        let lasting = theirs.map { frame in
            var frame = frame
            frame["properties"]["delivery_mode"] = 2
            return frame
        }
        expect(ours, contain: lasting)
    }
}
