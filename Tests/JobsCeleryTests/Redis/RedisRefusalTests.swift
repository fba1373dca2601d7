import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Refused Redis connections", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisRefusalTests {
    private func error(at address: String) async throws -> CeleryError? {
        var options = RedisOptions.patient(try RedisURL(address))
        options.connectTimeout = .seconds(60)
        let client = ReconnectingRedisClient(options)
        return try await whileRunning(client) {
            await #expect(throws: CeleryError.self) { try await client.send(RedisCommand("PING")) }
        }
    }

    @Test("a wrong password fails immediately, and the error does not contain it")
    func password() async throws {
        let server = try await RedisServer.start(arguments: ["--requirepass", "right"])
        let start = ContinuousClock.now
        let wrong = try await error(at: "redis://:wr0ng@127.0.0.1:\(server.port)")
        #expect(wrong?.code == .refused && wrong?.description.contains("wr0ng") == false)
        let missing = try await error(at: server.address)
        #expect(missing?.code == .refused)
        #expect(ContinuousClock.now - start < .seconds(50), "does not wait as for a server that is down")
        let client = ReconnectingRedisClient(
            RedisOptions.patient(try RedisURL("redis://:right@127.0.0.1:\(server.port)/7"))
        )
        try await whileRunning(client) {
            let answer = try await client.send(RedisCommand("PING"))
            #expect(answer.text == "PONG")
        }
    }

    @Test("a user of the ACL needs the right password")
    func users() async throws {
        let server = try await RedisServer.start(arguments: ["--user", "queue", "on", ">pw", "~*", "&*", "+@all"])
        #expect(try await error(at: "redis://queue:no@127.0.0.1:\(server.port)")?.code == .refused)
        let client = ReconnectingRedisClient(
            RedisOptions.patient(try RedisURL("redis://queue:pw@127.0.0.1:\(server.port)"))
        )
        try await whileRunning(client) {
            let answer = try await client.send(RedisCommand("ACL", "WHOAMI"))
            #expect(answer.text == "queue")
        }
    }

    @Test("a user without channels fails immediately, and the error names the permission to grant")
    func channels() async throws {
        let server = try await RedisServer.start(arguments: ["--user", "queue", "on", ">pw", "~*", "+@all"])
        let url = try RedisURL("redis://queue:pw@127.0.0.1:\(server.port)")
        var options = RedisOptions.patient(url)
        options.connectTimeout = .seconds(60)
        let channels = RedisPubSub(options)
        let start = ContinuousClock.now
        try await whileRunning(channels) {
            let error = await #expect(throws: CeleryError.self) { try await channels.messages(of: "news") }
            #expect(error?.code == .refused)
            #expect(error?.description.contains("&*") == true)
        }
        #expect(ContinuousClock.now - start < .seconds(50), "does not wait as for a server that is down")
    }

    @Test("a worker's user without CLIENT TRACKING is refused with the name of the command")
    func tracking() async throws {
        let server = try await RedisServer.start(
            arguments: ["--user", "queue", "on", ">pw", "~*", "&*", "+@all", "-client|tracking"]
        )
        var options = RedisOptions.patient(try RedisURL("redis://queue:pw@127.0.0.1:\(server.port)"))
        options.preamble = RedisConsumer.preamble
        let error = await #expect(throws: CeleryError.self) { try await RedisConnection.connect(options) }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("refused the command CLIENT TRACKING, which is required: NOPERM") == true)
    }

    @Test("a missing database number is refused")
    func database() async throws {
        let error = try await error(at: RedisServer.shared().address + "/100000")
        #expect(error?.code == .refused)
    }

    @Test("without a server a command throws after the timeout")
    func noChannels() async throws {
        var options = RedisOptions(try RedisURL("redis://127.0.0.1:\(freePort())"), logger: .quiet)
        options.connectTimeout = .milliseconds(200)
        let client = ReconnectingRedisClient(options)
        try await whileRunning(client) {
            var cause: (any Error)?
            // On a busy machine the first timeout may be over before the first attempt has failed.
            while cause == nil {
                let error = await #expect(throws: CeleryError.self) { try await client.send(RedisCommand("PING")) }
                try #require(error?.code == .unreachable)
                cause = error?.cause
            }
        }
    }

    @Test("a server without HELLO, as before Redis 6, is refused with one sentence", arguments: [nil, "s3cret"])
    func old(password: String?) async throws {
        let login = password.map { ["--requirepass", $0] } ?? []
        let server = try await RedisServer.start(arguments: ["--rename-command", "HELLO", ""] + login)
        let error = try await error(at: "redis://\(password.map { ":\($0)@" } ?? "")127.0.0.1:\(server.port)/2")
        #expect(error?.code == .refused)
        let address = "redis://127.0.0.1:\(server.port)/2"
        let sentence = "Redis 6 or later is required: the server at \(address) does not support RESP3 (HELLO 3)."
        #expect(error?.description == sentence)
    }
}
