import DashJSON
import Testing

@testable import JobsCelery

/// What we say to RabbitMQ, on the wire, against what Celery said to it. Allowed differences, besides names made by chance:
///
/// - `connection.start-ok`: our product, our connection's name, and that we take confirmations.
/// - `connection.tune-ok`: Celery's publishing connections ask for no heartbeat; ours do, so that a dead one is noticed.
/// - `basic.publish`: ours is mandatory, so that a message without a queue is an error (and confirmed, by another method).
/// - `expiration` of a message with `expires`: with it RabbitMQ drops an expired task without a word. Ours comes to a worker,
///   which tells that it has expired.
/// - `connection.open`: `insist`, which librabbitmq sets, means nothing to RabbitMQ.
/// - `basic.consume`: the consumer's tag is any text.
/// - `rpc://`: our result queue does not delete itself when the connection is mended, so that no result is lost.
/// - Celery declares some things several times; we once for each connection.
@Suite(
    "Our frames and Celery's",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RecordedFramesTests {
    /// What we say while `body` runs.
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

    /// What Celery said in a recording: only of some methods.
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

    /// A frame without what may differ.
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
        // Celery takes the server's 60 seconds: a connection that is half open would keep its jobs for two minutes (F11).
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

    @Test(
        "Queues with priorities and quorum queues",
        arguments: [("queue-prio", RabbitQueue(maximumPriority: 10)), ("queue-quorum", RabbitQueue(isQuorum: true))]
    )
    func queues(_ name: String, _ queue: RabbitQueue) async throws {
        let task = try #require(Fixtures.tasks(in: "rabbitmq/\(name)").first).raw
        let ours = try await frames(options: RabbitOptions(queues: [task.routingKey: queue])) {
            try await $0.publish(task)
        }
        let theirs = try recorded(name, "queue.declare", "queue.bind") {
            $0["args"]["queue"].stringValue == task.routingKey
        }
        expect(ours, contain: theirs)
    }

    @Test("A worker's start: its queue, limit, remote control and events")
    func workerStart() async throws {
        let methods = ["exchange.declare", "queue.declare", "queue.bind", "basic.consume", "basic.qos"]
        let node = "worker1@host"
        let theirs = try methods.flatMap { try recorded("worker-start", $0) }.filter { frame in
            // Not declared by us: what other nodes do (gossip), and the answers to our own questions (mingle).
            let text = frame.text
            return !text.contains("celeryev.") && !text.contains("-") || text.contains(node)
        }
        #expect(theirs.count >= 9)
        let ours = try await frames(options: RabbitOptions(node: node)) { broker in
            let consumer = try broker.makeConsumer(.sample, queues: ["celery"], prefetch: 8)
            let requests = broker.broadcasts()
            await broker.publishEvent(BrokerMessage())
            try await whileRunning(consumer) {
                // The broadcast is heard once all is declared.
                let saying = Task {
                    while true {
                        try await broker.broadcast(BrokerMessage())
                        // The pace of the repetition.
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

    @Test("A result for rpc:// is the message that Celery sends")
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
        // Ours are persistent: they outlive a restart of the server as the queue does that they lie in.
        let lasting = theirs.map { frame in
            var frame = frame
            frame["properties"]["delivery_mode"] = 2
            return frame
        }
        expect(ours, contain: lasting)
    }
}
