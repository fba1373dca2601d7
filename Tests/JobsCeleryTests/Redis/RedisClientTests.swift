import Logging
import Testing

@testable import JobsCelery

@Suite("The Redis client", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisClientTests {
    @Test("answers commands in the order in which they were said")
    func order() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            let answers = try await client.send((0..<1000).map { RedisCommand("ECHO", $0) })
            #expect(answers.map(\.text) == (0..<1000).map { String($0) })
        }
    }

    @Test("gives each of many senders the answers to its own commands")
    func senders() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        let answers = try await client.send([
                            RedisCommand("ECHO", number), RedisCommand("ECHO", -number),
                        ])
                        #expect(answers.map(\.text) == ["\(number)", "\(-number)"])
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("runs a script that the server does not know yet, then by its digest")
    func script() async throws {
        let script = RedisScript("test", "return {KEYS[1], ARGV[1]}")
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            for number in 0..<3 {
                let answer = try await client.run(script, keys: ["key"], arguments: [number])
                #expect(answer == .array([.string(Array("key".utf8)), .string(Array("\(number)".utf8))]))
            }
        }
    }

    @Test("throws an error of a script")
    func scriptError() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            let error = await #expect(throws: CeleryError.self) {
                try await client.run(RedisScript("bad", "return redis.call('NOTHING')"), keys: [])
            }
            #expect(error?.code == .server)
        }
    }

    @Test("is fast with many senders: small scripts are said in few writes")
    func speed() async throws {
        let script = RedisScript("speed", "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])")
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            _ = try await client.run(script, keys: ["h"], arguments: ["0", "0"])
            let (senders, each) = (64, 300)
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<senders {
                    group.addTask {
                        for number in 0..<each {
                            _ = try await client.run(script, keys: ["h"], arguments: ["\(sender)", number])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            print("Script calls a second: \(Int(Double(senders * each) / seconds)).")
            #expect(seconds < 60)
        }
    }
}
