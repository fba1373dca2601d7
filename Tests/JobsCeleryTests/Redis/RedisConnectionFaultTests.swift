import Synchronization
import Testing

@testable import JobsCelery

@Suite("A connection to Redis that breaks", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisConnectionFaultTests {
    /// A client through a proxy.
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

    @Test("is mended, and told with a nil among the pushes")
    func mended() async throws {
        let (client, proxy, _) = try await client()
        let stream = client.pushes()
        try await whileRunning(client) {
            var pushes = stream.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            for _ in 0..<3 {
                proxy.cut()
                #expect(await pushes.next() == .some(nil))
                try await expectAnswer(client)
            }
        }
    }

    @Test("fails what was said and not answered as lost, what was not said waits for the next")
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

    @Test("F11: half-open, is noticed by silence within four seconds while something is awaited")
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

    @Test("F11: half-open, is noticed also when only pushes are awaited")
    func halfOpenListening() async throws {
        let (client, proxy, _) = try await client()
        let stream = client.pushes()
        try await whileRunning(client) {
            var pushes = stream.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            proxy.become(.swallows)
            let start = ContinuousClock.now
            #expect(await pushes.next() == .some(nil))
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
        }
    }

    @Test("F13: with a server that has become a replica, is made anew, so that the new master is found")
    func replica() async throws {
        let server = try await RedisServer.start(arguments: ["--replicaof", "127.0.0.1 \(freePort())"])
        let client = ReconnectingRedisClient(RedisOptions.patient(try RedisURL(server.address)))
        let stream = client.pushes()
        try await whileRunning(client) {
            var pushes = stream.makeAsyncIterator()
            #expect(await pushes.next() == .some(nil))
            await #expect(throws: CeleryError.self) { try await client.send(RedisCommand("SET", "a", 1)) }
            #expect(await pushes.next() == .some(nil))
            _ = try await client.send(RedisCommand("REPLICAOF", "NO", "ONE"))
            _ = try await client.send(RedisCommand("SET", "a", 1))
        }
    }

    @Test("only slowly is none: answers that take their time are waited for")
    func slow() async throws {
        let (client, proxy, _) = try await client()
        try await whileRunning(client) {
            proxy.become(.delays(.milliseconds(700)), forNewOnes: true)
            try await expectAnswer(client)
            #expect(proxy.count == 1)
        }
    }

    @Test("leaves no sender behind: hundreds at work while it is cut again and again")
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

    @Test("that is subscribed is mended, and every reader is told that messages may be missing")
    func channels() async throws {
        let (client, proxy, url) = try await client()
        let channels = RedisPubSub(RedisOptions.patient(url))
        try await whileRunning(client, channels) {
            var plain = try await channels.messages(of: "plain").makeAsyncIterator()
            var pattern = try await channels.messages(of: "pat*", isPattern: true).makeAsyncIterator()
            proxy.cut()
            #expect(await plain.next() == .some(nil))
            #expect(await pattern.next() == .some(nil))
            // The client was cut off too, and notices it when it says something.
            while (try? await client.send([RedisCommand("PING")])) == nil {}
            _ = try await client.send([RedisCommand("PUBLISH", "plain", "1"), RedisCommand("PUBLISH", "pattern", "2")])
            #expect(await plain.next() == RedisMessage(channel: "plain", payload: [49]))
            #expect(await pattern.next() == RedisMessage(channel: "pattern", payload: [50]))
        }
    }

    @Test("that is subscribed and half-open is mended")
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

/// Counts answers.
private final class Answered: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
}
