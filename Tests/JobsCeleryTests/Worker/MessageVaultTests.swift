import DashJSON
import NIOPosix
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("F14: messages in the vault", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct MessageVaultTests {
    private func vault(
        _ redis: any RedisClient,
        _ broker: FakeBroker,
        _ worker: String,
        prefix: String = "dash:"
    ) -> MessageVault {
        var parts = CeleryWorkerParts.test(broker, worker: worker)
        parts.settings.keyPrefix = prefix
        return MessageVault(parts, redis)
    }

    private func liveness(_ worker: String, _ options: RedisOptions) -> WorkerLiveness {
        let registry = RegistryKeys(channels: RedisKeys().lifeLinePrefix, workers: "dash:workers")
        return WorkerLiveness(
            WorkerIdentity(node: worker, id: worker),
            leases: [WorkerLease(redis: options, registry: registry)],
            terms: LivenessTerms(),
            loops: [MultiThreadedEventLoopGroup.singleton.next()],
            logger: .quiet
        )
    }

    private func delivery(_ tag: String) -> JobsCelery.Delivery {
        let message = TaskMessage(task: "work", id: tag)
        return JobsCelery.Delivery(tag: tag, queue: "dash", task: message.raw(queue: "dash"))
    }

    @Test("of a lost worker are requeued by a worker of the same site only")
    func prefixes() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        let (own, other) = (FakeBroker(), FakeBroker())
        let stranger = vault(client, other, "stranger", prefix: "other:")
        try await whileRunning(client, stranger) {
            try await vault(client, own, "gone").keep(delivery("a"))
            try await vault(client, other, "gone", prefix: "other:").keep(delivery("b"))
            try await whileRunning(vault(client, own, "neighbour")) {
                let lengths = [RedisCommand("HLEN", "dash:held"), RedisCommand("HLEN", "other:held")]
                try await until { try await client.send(lengths) == [.integer(0), .integer(0)] }
            }
        }
        #expect(try own.published.map { try TaskMessage($0).id } == ["a"])
        #expect(try other.published.map { try TaskMessage($0).id } == ["b"])
        #expect(own.published.first?.headers["redelivered"] == true)
    }

    @Test("F11: stay with a living worker that reconnects late after an outage of Redis")
    func outage() async throws {
        let server = try await RedisServer.start(appendOnly: true)
        let url = try RedisURL(server.address)
        let client = ReconnectingRedisClient(RedisOptions.patient(url))
        var late = RedisOptions.patient(url)
        (late.shortestWait, late.longestWait) = (.seconds(4), .seconds(4))
        let holder = WorkerIdentity(node: "holder", id: "holder")
        let broker = FakeBroker()
        let life = liveness(holder.id, late)
        func isSeen() async -> Bool {
            let line = RedisCommand("PUBSUB", "NUMSUB", RedisKeys().lifeLinePrefix + holder.id)
            return (try? await client.send(line))?.elements?.last == .integer(1)
        }
        try await whileRunning(client, vault(client, broker, "observer")) {
            try await whileRunning(life) {
                try await until { await isSeen() }
                try await vault(client, broker, "holder").keep(delivery("a"))
                server.kill()
                try await server.launch()
                try await until { await isSeen() }
                #expect(broker.published.isEmpty)
                let left = try await client.send(RedisCommand("HLEN", "dash:held"))
                #expect(left == .integer(1))
            }
            try await until { !broker.published.isEmpty }
        }
    }

    @Test("A11: are settled by the responsible worker only")
    func refused() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        let broker = FakeBroker()
        try await whileRunning(client) {
            let stuck = vault(client, broker, "stuck")
            try await stuck.keep(delivery("a"))
            _ = try await client.send(RedisCommand("HSET", "dash:held", "stuck/a", "heir\nmessage"))
            try await stuck.release(delivery("a"), as: .returned)
            #expect(broker.published.isEmpty)
            let left = try await client.send(RedisCommand("HGET", "dash:held", "stuck/a"))
            #expect(left.text == "heir\nmessage")
        }
    }
}
