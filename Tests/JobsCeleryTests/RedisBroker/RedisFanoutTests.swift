import DashJSON
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Remote control and events on Redis", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisFanoutTests {
    @Test("send a broadcast to all subscribers, on the channel of the database")
    func broadcast() async throws {
        let stage = try await RedisStage()
        let other = RedisBroker.patient(stage.url)
        try await whileRunning(stage.broker, other) {
            let heard = try await stage.broker.subscriber.messages(of: "/\(stage.url.database).celery.pidbox")
            let requests = [stage.broker.broadcasts(), other.broadcasts()]
            try await other.subscriber.subscribe(to: stage.broker.keys.channel(of: "celery.pidbox")) { _ in }
                .confirmed()
            var request = BrokerMessage()
            request.body = Array(#"{"method": "ping"}"#.utf8)
            try await stage.broker.broadcast(request)
            var messages = heard.makeAsyncIterator()
            let message = try #require(await messages.next() ?? nil)
            let envelope = try JSON(parsing: message.payload)
            #expect(envelope["properties"]["delivery_info"] == ["exchange": "celery.pidbox", "routing_key": ""])
            #expect(envelope["properties"]["reply_to"].isNull)
            for stream in requests {
                var tasks = stream.makeAsyncIterator()
                #expect(await tasks.next()?.body == request.body)
            }
        }
    }

    @Test("read a recorded request, and skip invalid ones")
    func recorded() async throws {
        let stage = try await RedisStage()
        let fixture = try KombuEnvelopeTests.fixture("pidbox-ping.json")
        let raw = try #require(fixture["request"][0]["raw"].stringValue)
        try await whileRunning(stage.broker) {
            let requests = stage.broker.broadcasts()
            let channel = stage.broker.keys.channel(of: "celery.pidbox")
            try await stage.broker.subscriber.subscribe(to: channel) { _ in }.confirmed()
            _ = try await stage.redis("PUBLISH", channel, "rubbish")
            _ = try await stage.redis("PUBLISH", channel, raw)
            var tasks = requests.makeAsyncIterator()
            let request = try JSON(parsing: try #require(await tasks.next()).body)
            #expect(request["method"] == "ping")
        }
    }

    @Test("reply to the caller's queue, and drop replies to a closed one")
    func reply() async throws {
        let stage = try await RedisStage()
        try await whileRunning(stage.broker) {
            let bindings = "_kombu.binding.reply.celery.pidbox"
            for asker in ["one", "two"] {
                let member = stage.broker.keys.binding(routingKey: asker, queue: "\(asker).reply.celery.pidbox")
                _ = try await stage.redis("SADD", bindings, member)
            }
            var reply = BrokerMessage()
            reply.body = Array("{}".utf8)
            reply.headers = ["ticket": "t", "clock": 1]
            reply.routingKey = "two"
            try await stage.broker.reply(reply)
            reply.routingKey = "three"
            try await stage.broker.reply(reply)
            let keys = try await stage.redis("KEYS", "*.reply.celery.pidbox").elements?.compactMap(\.text)
            #expect(Set(keys ?? []) == [bindings, "two.reply.celery.pidbox"])
            let raw = try #require(try await stage.redis("RPOP", "two.reply.celery.pidbox").bytes)
            let envelope = try JSON(parsing: raw)
            #expect(envelope["properties"]["delivery_mode"] == 1)
            #expect(envelope["properties"]["delivery_info"]["exchange"] == "reply.celery.pidbox")
        }
    }

    @Test("A request waits for the given number of replies, and for none without listeners", .timeLimit(.minutes(10)))
    func ask() async throws {
        let stage = try await RedisStage()
        let other = RedisBroker.patient(stage.url)
        let heard = Mutex<[BrokerMessage]>([])
        let hear: @Sendable (BrokerMessage) -> Void = { answer in heard.withLock { $0.append(answer) } }
        let question = ControlRequest(method: "hello")
        try await whileRunning(stage.broker, other) {
            try await stage.broker.ask(question, within: .seconds(600), sent: {}, heard: hear)
            #expect(heard.withLock { $0.isEmpty })
            let requests = other.broadcasts()
            try await other.subscriber.subscribe(to: other.keys.channel(of: "celery.pidbox")) { _ in }.confirmed()
            let answering = Task { try await other.answer(requests) }
            defer { answering.cancel() }
            try await stage.broker.ask(question, within: .seconds(600), sent: {}, heard: hear)
            let answers = try heard.withLock { $0 }.map { try JSON(parsing: $0.body) }
            #expect(answers == [["other@host": ["revoked": ["x"]]]])
            let left = try await stage.redis("KEYS", "*reply.celery.pidbox*")
            #expect(left.elements?.isEmpty == true, "no keys are left")
        }
    }

    @Test("publish events on the channel of their type")
    func events() async throws {
        let stage = try await RedisStage()
        try await whileRunning(stage.broker) {
            let stream = try await stage.broker.subscriber.messages(
                of: "/\(stage.url.database).celeryev/*",
                isPattern: true
            )
            _ = try await stage.redis("PING")
            var event = BrokerMessage()
            event.routingKey = "worker.heartbeat"
            event.headers = ["hostname": "w@h"]
            event.body = Array("{}".utf8)
            await stage.broker.publishEvent(event)
            var messages = stream.makeAsyncIterator()
            let message = try #require(await messages.next() ?? nil)
            #expect(message.channel == "/\(stage.url.database).celeryev/worker.heartbeat")
            let recorded = try KombuEnvelopeTests.fixture("event-worker-heartbeat.json")["envelope"]
            let envelope = try JSON(parsing: message.payload)
            #expect(envelope.objectValue?.keys == recorded.objectValue?.keys)
            #expect(envelope["properties"].objectValue?.keys == recorded["properties"].objectValue?.keys)
            #expect(envelope["properties"]["delivery_info"] == recorded["properties"]["delivery_info"])
            #expect(envelope["properties"]["delivery_mode"] == 1)
        }
    }
}
