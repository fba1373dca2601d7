import Logging
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("The Redis client", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisClientTests {
    @Test("replies have the order of their commands")
    func order() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            let answers = try await client.send((0..<1000).map { RedisCommand("ECHO", $0) })
            #expect(answers.map(\.text) == (0..<1000).map { String($0) })
        }
    }

    @Test("each of many senders receives the replies to its own commands")
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

    @Test("a script runs by its source first, then by its digest")
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

    @Test("an error of a script is thrown")
    func scriptError() async throws {
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            let error = await #expect(throws: CeleryError.self) {
                try await client.run(RedisScript("bad", "return redis.call('NOTHING')"), keys: [])
            }
            #expect(error?.code == .server)
        }
    }

    @Test("many senders of small scripts share writes")
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
