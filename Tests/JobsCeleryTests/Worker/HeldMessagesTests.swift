import DashJSON
import Testing

@testable import JobsCelery

@Suite("F14: messages that are kept in Redis", .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct HeldMessagesTests {
    private func held(
        _ redis: any RedisClient,
        _ broker: FakeBroker,
        _ worker: String,
        prefix: String = "dash:",
        patience: Duration = .zero
    ) -> HeldMessages {
        HeldMessages(
            redis: redis,
            broker: broker,
            worker: WorkerIdentity(node: worker, id: worker),
            prefix: prefix,
            patience: patience,
            logger: .quiet
        )
    }

    private func delivery(_ tag: String) -> JobsCelery.Delivery {
        let message = TaskMessage(task: "work", id: tag)
        return JobsCelery.Delivery(tag: tag, queue: "dash", task: message.raw(queue: "dash"))
    }

    @Test("are given back by a worker of the same site when theirs is gone, and by no other site's")
    func prefixes() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        let (own, other) = (FakeBroker(), FakeBroker())
        let stranger = held(client, other, "stranger", prefix: "other:")
        try await whileRunning(client, stranger) {
            try await held(client, own, "gone").keep(delivery("a"))
            try await held(client, other, "gone", prefix: "other:").keep(delivery("b"))
            try await whileRunning(held(client, own, "neighbour")) {
                let lengths = [RedisCommand("HLEN", "dash:held"), RedisCommand("HLEN", "other:held")]
                // Nobody tells of it.
                while try await client.send(lengths) != [.integer(0), .integer(0)] {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
        }
        #expect(try own.published.map { try TaskMessage($0).id } == ["a"])
        #expect(try other.published.map { try TaskMessage($0).id } == ["b"])
        #expect(own.published.first?.headers["redelivered"] == true)
    }

    @Test("F11: stay with a living worker that comes back late after an outage of Redis")
    func outage() async throws {
        let server = try await RedisServer.start(appendOnly: true)
        let url = try RedisURL(server.address)
        let client = ReconnectingRedisClient(RedisOptions.patient(url))
        var late = RedisOptions.patient(url)
        (late.shortestWait, late.longestWait) = (.seconds(5), .seconds(5))
        let channels = RedisPubSub(late)
        let line = RedisKeys().lifeLine(of: "holder")
        let broker = FakeBroker()
        let observer = held(client, broker, "observer", patience: .seconds(6))
        let life = channels.subscribe(to: line) { _ in }
        func isSeen() async -> Bool {
            (try? await client.send(RedisCommand("PUBSUB", "NUMSUB", line)))?.elements?.last == .integer(1)
        }
        try await whileRunning(client, channels, observer) {
            try await life.confirmed()
            try await held(client, broker, "holder").keep(delivery("a"))
            server.kill()
            try await server.launch()
            // Two connections: nobody tells of it.
            while await !isSeen() { try await Task.sleep(for: .milliseconds(20)) }
            #expect(broker.published.isEmpty)
            let left = try await client.send(RedisCommand("HLEN", "dash:held"))
            #expect(left == .integer(1))
            life.end()
            while broker.published.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        }
    }

    @Test("belong to a worker until it has been absent for a time at each look")
    func absences() {
        var absences = Absences(patience: .seconds(6))
        let start = ContinuousClock.now
        func isGone(_ seconds: Int, absent: Bool = true) -> Bool {
            absences.isGone("a", absent: absent, now: start + .seconds(seconds))
        }
        #expect([0, 2, 4].map { isGone($0) } == [false, false, false])
        #expect(isGone(6))
        #expect(!isGone(8, absent: false))
        #expect([10, 12].map { isGone($0) } == [false, false])
        absences.forget()
        #expect([16, 18].map { isGone($0) } == [false, false])
        #expect(isGone(22))
    }
}
