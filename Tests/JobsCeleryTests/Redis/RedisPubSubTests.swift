import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Redis channels", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisPubSubTests {
    @Test("all subscribers of a channel share a subscription, which ends with the last")
    func counted() async throws {
        let url = try await RedisServer.shared().database()
        let client = ReconnectingRedisClient(RedisOptions.patient(url))
        let channels = RedisPubSub(RedisOptions.patient(url))
        let name = "counted-\(url.database)"
        func subscribers() async throws -> Int? {
            try await client.send(RedisCommand("PUBSUB", "NUMSUB", name)).elements?.last?.integer
        }
        try await whileRunning(client, channels) {
            let first = channels.subscribe(to: name) { _ in }
            try await first.confirmed()
            let second = channels.subscribe(to: name) { _ in }
            try await second.confirmed()
            #expect(try await subscribers() == 1)
            first.end()
            #expect(try await subscribers() == 1)
            second.end()
            // The order between two connections is undefined.
            for _ in 0..<1000 where try await subscribers() != 0 {}
            #expect(try await subscribers() == 0)
        }
    }

    @Test("every subscriber receives every message once the subscription has returned")
    func everyone() async throws {
        let url = try await RedisServer.shared().database()
        let client = ReconnectingRedisClient(RedisOptions.patient(url))
        let channels = RedisPubSub(RedisOptions.patient(url))
        let name = "everyone-\(url.database)"
        try await whileRunning(client, channels) {
            for round in 0..<50 {
                let first = try await channels.messages(of: name)
                let second = try await channels.messages(of: name)
                let message = RedisMessage(channel: name, payload: Array("\(round)".utf8))
                #expect(try await client.send(RedisCommand("PUBLISH", name, message.payload)) == .integer(1))
                for stream in [first, second] {
                    var messages = stream.makeAsyncIterator()
                    #expect(await messages.next() == message)
                }
            }
        }
    }

    @Test("a subscription without a server throws")
    func noSubscriber() async throws {
        var options = RedisOptions(try RedisURL("redis://127.0.0.1:\(freePort())"), logger: .quiet)
        options.connectTimeout = .milliseconds(200)
        let channels = RedisPubSub(options)
        try await whileRunning(channels) {
            let error = await #expect(throws: CeleryError.self) { try await channels.messages(of: "x") }
            #expect(error?.code == .unreachable)
        }
    }
}
