import Jobs
import JobsConformance
import Synchronization
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite("State that web servers share in Redis", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisSharedStateTests {
    /// Runs a test with two servers of one site.
    private func withServers(
        _ test: @escaping @Sendable ([RedisSharedState], SiteRedis) async throws -> Void
    ) async throws {
        let redis = SiteRedis(try await RedisServer.shared().database())
        let servers = [redis.makeServer(), redis.makeServer()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { try await server.run() } }
            group.addTask { try await redis.client.run() }
            defer { group.cancelAll() }
            try await redis.waitUntilSubscribed(servers.count)
            try await test(servers, redis)
        }
    }

    @Test("Conforms to the rules of shared state", arguments: SharedStateConformance.checks)
    func keepsItsWord(_ check: SharedStateConformance.Check) async throws {
        try await withServers { servers, _ in try await check.run(SharedStateConformance(servers[0], servers[1])) }
    }

    @Test("A repeated call gets the same reply", arguments: [nil, 2])
    func saidTwice(order: Int?) async throws {
        try await withServers { servers, redis in
            let next = order.map { $0 + 1 }
            for _ in 1...2 {
                let placing = try await servers[0].put("1", order)
                #expect(placing == .placed(before: nil))
            }
            for _ in 1...2 {
                let placing = try await servers[0].put("2", next)
                #expect(placing == .placed(before: "1"))
            }
            for _ in 1...2 where order != nil {
                let placing = try await servers[0].put("3", order)
                #expect(placing == .late)
            }
        }
    }

    @Test("Only the highest 1000 orders of a page are stored")
    func boundedOrders() async throws {
        try await withServers { servers, redis in
            let sharedState = servers[0]
            for number in 1...200 {
                _ = try await sharedState.put("\(number)", number, in: "row \(number)")
                _ = try await sharedState.remove("row \(number)", in: "page", ifStill: "\(number)")
            }
            try await sharedState.raiseWatermarks(Set((1...900).map { "row \($0)" }), in: "page", with: 201)
            let key = redis.prefix + "fleet:orders:page"
            #expect(try await redis.client.send(RedisCommand("ZCARD", key)).integer == 1000)
            #expect(try await redis.client.send(RedisCommand("ZCOUNT", key, "-inf", 100)).integer == 0)
            #expect(try await sharedState.values(in: "page").isEmpty)
        }
    }

    @Test("A cooldown applies to all servers and expires")
    func pauses() async throws {
        try await withServers { servers, redis in
            #expect(try await servers[0].cooldown("job") == nil)
            try await servers[0].startCooldown("job", for: .seconds(3600))
            let rest = try #require(try await servers[1].cooldown("job"))
            #expect(rest > .seconds(3500) && rest <= .seconds(3600))
            try await servers[1].startCooldown("job", for: .zero)
            while try await servers[0].cooldown("job") != nil { await Task.yield() }
        }
    }

    @Test("A memoized value is made once, also by concurrent calls on two servers")
    func memoize() async throws {
        let count = Count()
        try await withServers { servers, redis in
            let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await servers[number % 2].memoize("x", lifetime: .seconds(60)) {
                            await Task.yield()
                            return [count.next()]
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(made == Array(repeating: [1], count: 20))
        }
    }

    @Test("After a failure, a waiting server makes the value")
    func onceAgain() async throws {
        struct Failed: Error {}
        try await withServers { servers, redis in
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let failing = Task {
                try await servers[0].memoize("x", lifetime: .seconds(60)) {
                    begin.yield()
                    try await until { try await redis.hasWaiter(for: "x") }
                    throw Failed()
                }
            }
            for await _ in begun { break }
            let made = try await servers[1].memoize("x", lifetime: .seconds(60)) { [7] }
            #expect(made == [7])
            await #expect(throws: Failed.self) { try await failing.value }
        }
    }

    @Test("If a server dies while it makes a value, another server makes it")
    func onceAfterDeath() async throws {
        let redis = SiteRedis(try await RedisServer.shared().database())
        let (dying, living) = (redis.makeServer(), redis.makeServer())
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await living.run() }
            group.addTask { try await redis.client.run() }
            let death = Task { try await dying.run() }
            try await redis.waitUntilSubscribed(2)
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let making = Task {
                try await dying.memoize("x", lifetime: .seconds(60)) {
                    begin.yield()
                    try await Task.sleep(for: .seconds(3600))
                    return [0]
                }
            }
            for await _ in begun { break }
            async let made = living.memoize("x", lifetime: .seconds(60)) { [1] }
            death.cancel()
            #expect(try await made == [1])
            making.cancel()
            _ = await making.result
            _ = await death.result
        }
    }

    @Test("The oldest poll of a browser beyond the limit is released on any server, regardless of other browsers")
    func holders() async throws {
        try await withServers { servers, redis in
            let count = { try await redis.held("browser") }
            for holder in 0..<4 {
                servers[holder % 2].hold("\(holder)", in: "browser", limit: 4)
                try await until { try await count() == holder + 1 }
            }
            servers[1].hold("other", in: "another browser", limit: 4)
            servers[0].release("2", in: "browser")
            try await until { try await count() == 3 }
            servers[1].hold("4", in: "browser", limit: 4)
            try await until { try await count() == 4 }
            servers[1].hold("5", in: "browser", limit: 4)
            let first = await servers[0].releases().first { _ in true }
            #expect(first == "0")
            servers[0].hold("6", in: "browser", limit: 4)
            let second = await servers[1].releases().first { _ in true }
            #expect(second == "1")
            #expect(try await count() == 4)
        }
    }

    @Test("All keys expire")
    func lifetimes() async throws {
        try await withServers { servers, redis in
            let sharedState = servers[0]
            _ = try await sharedState.put("1", 1)
            try await sharedState.raiseWatermarks(["stop"], in: "page", with: 1)
            _ = try await sharedState.memoize("x", lifetime: .seconds(60)) { [1] }
            try await sharedState.startCooldown("job", for: .seconds(60))
            sharedState.hold("0", in: "browser", limit: 4)
            try await until { try await redis.held("browser") == 1 }
            for key in try await redis.client.send(RedisCommand("KEYS", "*")).elements ?? [] {
                let life = try await redis.client.send(RedisCommand("PTTL", key.text ?? "")).integer
                #expect(try #require(life) > 0, "\(key)")
            }
        }
    }

    @Test("Without Redis, calls throw a storage error")
    func unreachable() async throws {
        var options = RedisOptions(try RedisURL("redis://127.0.0.1:\(try freePort())"), logger: .quiet)
        options.connectTimeout = .milliseconds(10)
        let sharedState = RedisSharedState(options)
        let running = Task { try await sharedState.run() }
        let error = await #expect(throws: JobsError.self) { try await sharedState.values(in: "page") }
        #expect(error?.code == .storage)
        running.cancel()
        _ = await running.result
    }

}

extension RedisSharedState {
    fileprivate func put(_ text: String, _ order: Int?, in slot: String = "a") async throws -> SlotReplacement {
        let value = SharedValue(text, order: order)
        return try await replace(slot, in: "page", with: value, watermarks: [], lifetime: .seconds(60))
    }
}

/// The Redis that the servers of a site share, with a client by which a test reads what they store.
private struct SiteRedis {
    let client: ReconnectingRedisClient
    /// Different in each test: channels are the same in all databases.
    let prefix = "dash\(JobID.new.text):"
    private let options: RedisOptions

    init(_ url: RedisURL) {
        options = RedisOptions.patient(url)
        client = ReconnectingRedisClient(options)
    }

    func makeServer() -> RedisSharedState { RedisSharedState(options, prefix: prefix) }

    /// The number of holders in a group.
    func held(_ group: String) async throws -> Int {
        try await client.send(RedisCommand("ZCARD", prefix + "fleet:polls:" + group)).integer ?? -1
    }

    /// Waits until this number of servers have subscribed to their channels.
    func waitUntilSubscribed(_ count: Int) async throws {
        let channels = RedisCommand("PUBSUB", "CHANNELS", prefix + "fleet:server:*")
        try await until { try await client.send(channels).elements?.count == count }
    }

    /// Whether a server waits for a memoized value.
    func hasWaiter(for name: String) async throws -> Bool {
        let channel = prefix + "fleet:once:" + name
        return try await client.send(RedisCommand("PUBSUB", "NUMSUB", channel)).elements?.last?.integer == 1
    }
}

private final class Count: Sendable {
    private let number = Mutex<UInt8>(0)

    func next() -> UInt8 {
        number.withLock { number in
            number += 1
            return number
        }
    }
}
