import Jobs
import Synchronization
import Testing

@testable import JobsCelery

@Suite("What web servers share in Redis", .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisFleetTests {
    /// Runs a test with several servers of one site.
    private func withServers(
        _ count: Int = 2,
        _ test: @escaping @Sendable ([RedisFleet]) async throws -> Void
    ) async throws {
        let url = try await RedisServer.shared().database()
        let servers = (0..<count).map { _ in RedisFleet(RedisOptions.patient(url)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { try await server.run() } }
            defer { group.cancelAll() }
            for server in servers { try await server.waitUntilHeard() }
            try await test(servers)
        }
    }

    @Test("A place holds the last value, whoever puts it, and is emptied by whoever knows it")
    func places() async throws {
        try await withServers { servers in
            let one = servers[0]
            let two = servers[1]
            var before = try await one.replace("a", in: "page", with: "1", lifetime: .seconds(60))
            #expect(before == nil)
            for _ in ["once", "said twice"] {
                before = try await two.replace("a", in: "page", with: "2", lifetime: .seconds(60))
                #expect(before == "1")
            }
            before = try await one.replace("b", in: "page", with: "3", lifetime: .seconds(60))
            #expect(before == nil)
            before = try await one.replace("a", in: "other", with: "4", lifetime: .seconds(60))
            #expect(before == nil)
            var values = try await one.values(in: "page")
            #expect(values == ["a": "2", "b": "3"])
            var isRemoved = try await one.remove("a", in: "page", ifStill: "1")
            #expect(!isRemoved)
            isRemoved = try await one.remove("a", in: "page", ifStill: "2")
            #expect(isRemoved)
            values = try await two.values(in: "page")
            #expect(values == ["b": "3"])
        }
    }

    @Test("A pause is one for all, and ends by itself")
    func pauses() async throws {
        try await withServers { servers in
            #expect(try await servers[0].rest(ofPause: "job") == nil)
            try await servers[0].pause("job", for: .seconds(3600))
            let rest = try #require(try await servers[1].rest(ofPause: "job"))
            #expect(rest > .seconds(3500) && rest <= .seconds(3600))
            try await servers[1].pause("job", for: .zero)
            while try await servers[0].rest(ofPause: "job") != nil { await Task.yield() }
        }
    }

    @Test("What is made once is made once, also when both are asked at the same time")
    func once() async throws {
        let count = Count()
        try await withServers { servers in
            let made = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await servers[number % 2].once("x", lifetime: .seconds(60)) {
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

    @Test("What could not be made is tried by the next, who waits for it already")
    func onceAgain() async throws {
        struct Failed: Error {}
        try await withServers { servers in
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let failing = Task {
                try await servers[0].once("x", lifetime: .seconds(60)) {
                    begin.yield()
                    try await Task.sleep(for: .milliseconds(50))
                    throw Failed()
                }
            }
            for await _ in begun { break }
            let made = try await servers[1].once("x", lifetime: .seconds(60)) { [7] }
            #expect(made == [7])
            await #expect(throws: Failed.self) { try await failing.value }
        }
    }

    @Test("A server that dies while it makes something is followed by another")
    func onceAfterDeath() async throws {
        let url = try await RedisServer.shared().database()
        let (dying, living) = (
            RedisFleet(RedisOptions.patient(url)), RedisFleet(RedisOptions.patient(url))
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await living.run() }
            let death = Task { try await dying.run() }
            try await dying.waitUntilHeard()
            let (begun, begin) = AsyncStream<Void>.makeStream()
            let making = Task {
                try await dying.once("x", lifetime: .seconds(60)) {
                    begin.yield()
                    try await Task.sleep(for: .seconds(3600))
                    return [0]
                }
            }
            for await _ in begun { break }
            async let made = living.once("x", lifetime: .seconds(60)) { [1] }
            death.cancel()
            #expect(try await made == [1])
            making.cancel()
            _ = await making.result
            _ = await death.result
        }
    }

    @Test("Of one browser's polls the oldest goes, wherever it is held; others do not count")
    func holders() async throws {
        try await withServers { servers in
            let count = { try await servers[0].held("browser") }
            for holder in 0..<4 {
                servers[holder % 2].hold("\(holder)", in: "browser", limit: 4)
                try await until { try await count() == holder + 1 }
            }
            servers[1].hold("other", in: "another browser", limit: 4)
            servers[0].letGo("2", in: "browser")
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

    @Test("Nothing is kept for ever")
    func lifetimes() async throws {
        try await withServers { servers in
            let fleet = servers[0]
            _ = try await fleet.replace("a", in: "page", with: "1", lifetime: .seconds(60))
            _ = try await fleet.once("x", lifetime: .seconds(60)) { [1] }
            try await fleet.pause("job", for: .seconds(60))
            fleet.hold("0", in: "browser", limit: 4)
            try await until { try await fleet.held("browser") == 1 }
            for key in try await fleet.redis.send(RedisCommand("KEYS", "*")).elements ?? [] {
                let life = try await fleet.redis.send(RedisCommand("PTTL", key.text ?? "")).integer
                #expect(try #require(life) > 0, "\(key)")
            }
        }
    }

    @Test("Without Redis it says so, as a store that cannot be reached")
    func unreachable() async throws {
        var options = RedisOptions(try RedisURL("redis://127.0.0.1:\(try freePort())"), logger: .quiet)
        options.connectTimeout = .milliseconds(10)
        let fleet = RedisFleet(options)
        let running = Task { try await fleet.run() }
        let error = await #expect(throws: JobsError.self) { try await fleet.values(in: "page") }
        #expect(error?.code == .storage)
        running.cancel()
        _ = await running.result
    }

    /// Asks until it is so: nobody tells when a note has arrived.
    private func until(_ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline)
            await Task.yield()
        }
    }
}

extension RedisFleet {
    /// How many hold of a group.
    fileprivate func held(_ group: String) async throws -> Int {
        try await redis.send(RedisCommand("ZCARD", prefix + "fleet:polls:" + group)).integer ?? -1
    }

    /// Waits until the others can tell this server something.
    fileprivate func waitUntilHeard() async throws {
        let channel = FleetScripts.channel(ofServer: server, prefix: prefix)
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let answer = try await redis.send(RedisCommand("PUBSUB", "NUMSUB", channel))
            if answer.elements?.last?.integer == 1 { return }
            try #require(ContinuousClock.now < deadline)
            await Task.yield()
        }
    }
}

/// A number that is counted up.
private final class Count: Sendable {
    private let number = Mutex<UInt8>(0)

    func next() -> UInt8 {
        number.withLock { number in
            number += 1
            return number
        }
    }
}
