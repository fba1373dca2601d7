import ServiceLifecycle
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Redis connection faults", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisConnectionFaultTests {
    /// A client that connects through a proxy.
    private func client(
        _ change: (inout RedisOptions) -> Void = { _ in }
    ) async throws
        -> (ReconnectingRedisClient, TCPProxy, RedisURL)
    {
        var url = try await RedisServer.shared().database()
        guard case .host(_, let port) = url.place else { throw CeleryError(.option, "no port") }
        let proxy = try await TCPProxy.start(to: port)
        url.place = .host("127.0.0.1", port: proxy.port)
        var options = RedisOptions.patient(url)
        change(&options)
        return (ReconnectingRedisClient(options), proxy, url)
    }

    private func expectAnswer(_ client: ReconnectingRedisClient) async throws {
        let answer = try await client.send(RedisCommand("PING"))
        #expect(answer.text == "PONG")
    }

    @Test("a lost connection is replaced, which nil among the pushes signals")
    func mended() async throws {
        let (client, proxy, _) = try await client()
        let pushed = PushedClient(client)
        try await whileRunning(pushed) {
            var pushes = pushed.pushes.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            for _ in 0..<3 {
                proxy.cut()
                #expect(await pushes.next() == .some(nil))
                try await expectAnswer(client)
            }
        }
    }

    @Test("commands without a reply fail as lost; unsent commands wait for the next connection")
    func pending() async throws {
        let (client, proxy, _) = try await client()
        try await whileRunning(client) {
            try await expectAnswer(client)
            proxy.become(.swallows)
            let lost = Task { try await client.send(RedisCommand("INCR", "n")) }
            await proxy.hasSwallowed()
            proxy.cut()
            await #expect { try await lost.value } throws: { ($0 as? CeleryError)?.code == .connectionLost }
            try await expectAnswer(client)
        }
    }

    @Test("F11: a half-open connection is detected within four seconds while a reply is pending")
    func halfOpen() async throws {
        let (client, proxy, _) = try await client()
        try await whileRunning(client) {
            try await expectAnswer(client)
            proxy.become(.swallows)
            let start = ContinuousClock.now
            await #expect { try await client.send(RedisCommand("PING")) } throws: {
                ($0 as? CeleryError)?.code == .connectionLost
            }
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
            try await expectAnswer(client)
        }
    }

    @Test("F11: a half-open connection is detected also when only pushes are expected")
    func halfOpenListening() async throws {
        let (client, proxy, _) = try await client()
        let pushed = PushedClient(client)
        try await whileRunning(pushed) {
            var pushes = pushed.pushes.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            proxy.become(.swallows)
            let start = ContinuousClock.now
            #expect(await pushes.next() == .some(nil))
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
        }
    }

    @Test("F13: when the server has become a replica, the client reconnects to find the new master")
    func replica() async throws {
        let server = try await RedisServer.start(arguments: ["--replicaof", "127.0.0.1 \(freePort())"])
        let client = ReconnectingRedisClient(RedisOptions.patient(try RedisURL(server.address)))
        let pushed = PushedClient(client)
        try await whileRunning(pushed) {
            var pushes = pushed.pushes.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            await #expect(throws: CeleryError.self) { try await client.send(RedisCommand("SET", "a", 1)) }
            #expect(await pushes.next() == .some(nil))
            _ = try await client.send(RedisCommand("REPLICAOF", "NO", "ONE"))
            _ = try await client.send(RedisCommand("SET", "a", 1))
        }
    }

    @Test("a slow connection is kept")
    func slow() async throws {
        let (client, proxy, _) = try await client()
        try await whileRunning(client) {
            proxy.become(.delays(.milliseconds(700)), forNewOnes: true)
            try await expectAnswer(client)
            #expect(proxy.count == 1)
        }
    }

    @Test("repeated resets leave no sender without a result")
    func storm() async throws {
        let (client, proxy, _) = try await client()
        try await whileRunning(client) {
            let answered = Answered()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<50 {
                    group.addTask {
                        for number in 0..<100 {
                            let text = "\(sender).\(number)"
                            do {
                                let answer = try await client.send(RedisCommand("ECHO", text)).text
                                #expect(answer == text)
                                answered.add()
                            } catch let error as CeleryError where error.code == .connectionLost {}
                        }
                    }
                }
                for round in 1...10 {
                    try await until { answered.count >= round * 100 }
                    proxy.cut()
                }
                try await group.waitForAll()
            }
            #expect(answered.count > 1000)
        }
    }

    @Test("subscriptions are restored, and nil signals that messages may be missing")
    func channels() async throws {
        let (client, proxy, url) = try await client()
        let channels = RedisPubSub(RedisOptions.patient(url))
        try await whileRunning(client, channels) {
            var plain = try await channels.messages(of: "plain").makeAsyncIterator()
            var pattern = try await channels.messages(of: "pat*", isPattern: true).makeAsyncIterator()
            proxy.cut()
            #expect(await plain.next() == .some(nil))
            #expect(await pattern.next() == .some(nil))
            // The client was disconnected too, and detects it when it sends a command.
            while (try? await client.send([RedisCommand("PING")])) == nil {}
            _ = try await client.send([RedisCommand("PUBLISH", "plain", "1"), RedisCommand("PUBLISH", "pattern", "2")])
            #expect(await plain.next() == RedisMessage(channel: "plain", payload: [49]))
            #expect(await pattern.next() == RedisMessage(channel: "pattern", payload: [50]))
        }
    }

    @Test("a half-open connection with subscriptions is replaced")
    func halfOpenChannels() async throws {
        let (_, proxy, url) = try await client()
        let channels = RedisPubSub(RedisOptions.patient(url))
        try await whileRunning(channels) {
            var messages = try await channels.messages(of: "quiet").makeAsyncIterator()
            proxy.become(.swallows)
            let start = ContinuousClock.now
            #expect(await messages.next() == .some(nil))
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
        }
    }
}

/// Runs a client, and reports its pushes and new connections.
private struct PushedClient: Service {
    let pushes: AsyncStream<[RedisValue]?>
    private let client: ReconnectingRedisClient
    private let push: AsyncStream<[RedisValue]?>.Continuation

    init(_ client: ReconnectingRedisClient) {
        self.client = client
        (pushes, push) = AsyncStream.makeStream()
    }

    func run() async throws { await client.keepConnected { [push] in push.yield($0) } }
}

private final class Answered: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
}
