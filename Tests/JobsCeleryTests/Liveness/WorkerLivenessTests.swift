import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite(
    "A worker's liveness",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct WorkerLivenessTests {
    private let worker = WorkerIdentity(node: "w@test", id: "w@test.\(UUID().uuidString)")
    private let registry = RegistryKeys(channels: "dash:worker:", workers: "dash:workers")

    private static let rule = RedisScript(
        "rule",
        LivenessScripts.rule + "return dash_is_alive(KEYS[1], ARGV[1], ARGV[2]) and 1 or 0"
    )

    private func isAlive(_ redis: any RedisClient) async throws -> Bool {
        let answer = try await redis.run(
            Self.rule,
            keys: [registry.workers],
            arguments: [registry.channels, worker.id]
        )
        return answer == .integer(1)
    }

    private func liveness(
        _ url: RedisURL,
        loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
        lease: Duration = .seconds(6),
        onLapse: @escaping @Sendable (Bool) -> Void = { _ in }
    ) -> WorkerLiveness {
        let kept = WorkerLease(redis: RedisOptions.patient(url), registry: registry)
        return WorkerLiveness(
            worker,
            leases: [kept],
            terms: LivenessTerms(lease: lease),
            loops: [loop],
            logger: .quiet,
            onLapse: onLapse
        )
    }

    @Test("A worker is alive while it is subscribed and its lease has not expired, and not with one of them alone")
    func rule() async throws {
        let url = try await RedisServer.shared().database()
        let (client, channels) = (ReconnectingRedisClient(.patient(url)), RedisPubSub(.patient(url)))
        try await whileRunning(client, channels) {
            let time = try await client.send(RedisCommand("TIME")).elements?.first?.text.flatMap { Int($0) } ?? 0
            func lease(_ seconds: Int) async throws {
                _ = try await client.send(RedisCommand("ZADD", registry.workers, time + seconds, worker.id))
            }
            try await lease(600)
            #expect(try await !isAlive(client), "no subscription")
            let life = channels.subscribe(to: registry.channels + worker.id) { _ in }
            try await life.confirmed()
            #expect(try await isAlive(client))
            try await lease(-1)
            #expect(try await !isAlive(client), "the lease has expired")
            _ = try await client.send(RedisCommand("DEL", registry.workers))
            #expect(try await !isAlive(client), "no lease")
        }
    }

    @Test("One connection subscribes and renews")
    func connections() async throws {
        let server = try await RedisServer.start()
        let url = try RedisURL(server.address)
        let client = ReconnectingRedisClient(.patient(url))
        try await whileRunning(client) {
            try await whileRunning(liveness(url)) {
                try await until { try await isAlive(client) }
                let first = try await client.send(RedisCommand("ZSCORE", registry.workers, worker.id))
                try await until { try await client.send(RedisCommand("ZSCORE", registry.workers, worker.id)) != first }
                #expect(try await isAlive(client))
                // On a starved machine a connection that was replaced may still be listed for a moment.
                try await until {
                    let clients = try await client.send(RedisCommand("CLIENT", "LIST")).text ?? ""
                    return clients.split(separator: "\n").count - 1 == 1
                }
            }
            try await until { try await !isAlive(client) }
        }
    }

    @Test("F11: a lost or half-open connection is restored, and the worker stays alive")
    func faults() async throws {
        let url = try await RedisServer.shared().database()
        guard case .host(_, let port) = url.place else { return }
        let proxy = try await TCPProxy.start(to: port)
        var through = url
        through.place = .host("127.0.0.1", port: proxy.port)
        let client = ReconnectingRedisClient(.patient(url))
        try await whileRunning(client, liveness(through)) {
            for fault in 0..<3 {
                try await until { try await isAlive(client) }
                if fault == 1 { proxy.become(.swallows) } else { proxy.cut() }
                let before = try await client.send(RedisCommand("ZSCORE", registry.workers, worker.id))
                try await until { try await client.send(RedisCommand("ZSCORE", registry.workers, worker.id)) != before }
            }
            try await until { try await isAlive(client) }
        }
    }

    @Test("A11: the lease of a worker whose loop is blocked is not renewed until the loop responds")
    func stuck() async throws {
        let url = try await RedisServer.shared().database()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = ReconnectingRedisClient(.patient(url))
        let (lapses, lapse) = AsyncStream<Bool>.makeStream()
        let liveness = liveness(url, loop: group.next(), lease: .seconds(2)) { lapse.yield($0) }
        try await whileRunning(client, liveness) {
            try await until { try await isAlive(client) }
            let gate = DispatchSemaphore(value: 0)
            group.next().execute { gate.wait() }
            var seen = lapses.makeAsyncIterator()
            #expect(await seen.next() == true)
            #expect(try await !isAlive(client), "it counts as dead before it releases its deliveries")
            gate.signal()
            #expect(await seen.next() == false)
            try await until { try await isAlive(client) }
        }
        try await group.shutdownGracefully()
    }
}
