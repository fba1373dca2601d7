import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "Remote control, events and rpc results over RabbitMQ",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitControlTests {
    @Test("A broadcast reaches every node, even two of the same name")
    func broadcasts() async throws {
        try await withBroker(options: RabbitOptions(node: "dash@same")) { one, _ in
            try await withBroker(options: RabbitOptions(node: "dash@same")) { other, _ in
                let (ours, theirs) = (one.broadcasts(), other.broadcasts())
                let mark = "\(UInt64.random(in: 0...UInt64.max))"
                // A node receives broadcasts once its queue exists: repeat until both have received one.
                let saying = Task {
                    while true {
                        let request = sampleMessage("celery.pidbox", body: Array(mark.utf8))
                        try await one.broadcast(request)
                        // The interval of the repetition, not a wait for the response.
                        try await Task.sleep(for: .milliseconds(100))
                    }
                }
                for stream in [ours, theirs] {
                    let heard = await stream.first { $0.body == Array(mark.utf8) }
                    #expect(heard?.exchange == "celery.pidbox")
                }
                saying.cancel()
            }
        }
    }

    @Test("A reply without a receiver does not throw, and events are published without waiting, connected or not")
    func tellsNobody() async throws {
        try await withBroker { broker, _ in
            var reply = BrokerMessage()
            reply.routingKey = "gone"
            try await broker.reply(reply)
            try await broker.publishResult([], of: "x", to: "gone")
            await broker.publishEvent(sampleMessage("celeryev", key: "worker.heartbeat"))
        }
        try await withBroker(address: "amqp://127.0.0.1:\(try freePort())") { broker, _ in
            for _ in 0..<5000 { await broker.publishEvent(BrokerMessage()) }
        }
    }

    @Test("A request to all workers reaches the listeners, and their replies reach the caller")
    func ask() async throws {
        try await withBroker { asker, _ in
            try await withBroker { other, _ in
                let requests = other.broadcasts()
                let answering = Task { try await other.answer(requests) }
                defer { answering.cancel() }
                let (answers, hearing) = AsyncStream<BrokerMessage>.makeStream()
                var answer: BrokerMessage?
                // No event signals that its queue exists. Workers of other tests may reply too.
                while answer == nil {
                    try await asker.ask(ControlRequest(method: "hello"), within: .seconds(1), sent: {}) {
                        hearing.yield($0)
                    }
                    hearing.yield(BrokerMessage())
                    let name = Array("other@host".utf8)
                    let first = await answers.first { $0.body.isEmpty || $0.body.contains(name) }
                    if first?.body.isEmpty == false { answer = first }
                }
                #expect(try JSON(parsing: try #require(answer).body) == ["other@host": ["revoked": ["x"]]])
            }
        }
    }

    @Test("rpc: the results of a task reach its caller, by the task's id, in order")
    func results() async throws {
        try await withBroker { site, _ in
            try await withBroker { worker, _ in
                let replies = site.replyQueue
                await replies.ready()
                let (mine, other) = (replies.results(of: "a"), replies.results(of: "b"))
                for (id, text) in [("a", "1"), ("b", "2"), ("unknown", "3"), ("a", "4")] {
                    try await worker.publishResult(Array(text.utf8), of: id, to: replies.queue)
                }
                var bodies: [String] = []
                for await result in mine {
                    bodies.append(String(decoding: result.body, as: UTF8.self))
                    if bodies.count == 2 { break }
                }
                #expect(bodies == ["1", "4"])
                #expect(await other.first { _ in true }?.correlationID == "b")
            }
        }
    }
}
