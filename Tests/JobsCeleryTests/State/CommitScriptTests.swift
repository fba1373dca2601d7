import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite("The script of a commit", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct CommitScriptTests {
    @Test("is valid with each operation alone, and defines its function", arguments: CommitOperation.allCases)
    func loads(operation: CommitOperation) async throws {
        var script = CommitScript()
        script.insert(operation)
        let source = script.composed.source
        #expect(source.contains("function \(operation.isGuard ? "guards" : "changes").\(operation.name)("))
        let client = ReconnectingRedisClient(RedisOptions.patient(try await RedisServer.shared().database()))
        try await whileRunning(client) {
            let answer = try await client.send(RedisCommand("SCRIPT", "LOAD", source))
            #expect(answer.text == script.composed.digest)
        }
    }

    @Test("contains only the functions, and reads only the fields, that the transition needs")
    func smallest() {
        var script = CommitScript()
        script.insert(.lacks)
        script.read("state")
        script.insert(.set)
        let source = script.composed.source
        for absent in ["changes.merge", "changes.cache", "guards.taken", "dash_is_alive", "'changesSize'"] {
            #expect(!source.contains(absent), "\(absent)")
        }
        #expect(source.contains("local read = {'state'}"))
    }
}
