import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Recorded results")
struct RecordedResultsTests {
    @Test func `All recorded results round-trip`() throws {
        var count = 0
        for name in Fixtures.names("redis/result-") {
            for text in try Fixtures.results(in: name) {
                count += 1
                let recorded = try JSON(parsing: text)
                let meta = try ResultMeta(reading: Array(text.utf8))
                let written = try JSON(parsing: meta.jsonBytes())
                #expect(written == recorded, "\(name)")
                // Only the members of extended results may have another order.
                let own = written.objectValue?.keys.filter { meta.extended[$0] == nil }
                #expect(own == recorded.objectValue?.keys.filter { meta.extended[$0] == nil }, "\(name)")
                if meta.status.isException {
                    #expect(TaskException(json: meta.result.json).json == recorded["result"], "\(name)")
                }
                #expect((meta.dateDone != nil) == meta.status.isReady, "\(name)")
            }
        }
        print("\(count) recorded results read and written again")
        #expect(count == 45)
    }

    @Test func `A result equals Python's`() throws {
        let now = ISO8601.milliseconds("2026-11-21T03:39:17.818722+00:00") ?? 0
        let text = try #require(Fixtures.results(in: "redis/result-children").last)
        var recorded = try JSON(parsing: text)
        recorded["date_done"] = "2026-11-21T03:39:17.818000+00:00"
        var message = TaskMessage(task: "lab.add", id: "fbc90c02-5b37-492e-9784-56faf513759b")
        message.parentID = "00000000-0000-4000-8000-000000000207"
        #expect(ResultMeta(message, .success, result: RawJSON(3), now: now).json == recorded)
    }

    @Test func `Exceptions equal the recorded ones`() throws {
        func recorded(_ name: String) throws -> JSON {
            try JSON(parsing: try #require(Fixtures.results(in: "redis/result-\(name)").last))["result"]
        }
        #expect(try recorded("time-limit") == TaskException.timeLimitExceeded(1).json)
        #expect(try recorded("soft-time-limit") == TaskException.softTimeLimitExceeded.json)
        #expect(try recorded("unknown-task") == TaskException.notRegistered("no.such.task").json)
        #expect(try recorded("expired") == TaskException.revoked("expired").json)
        #expect(try recorded("revoke-terminate") == TaskException.revoked("terminated").json)
        #expect(TaskException(json: try recorded("failure")).repr == "ValueError('bad', 42)")
    }

    @Test func `Results of other programs may omit members, and invalid ones are refused`() throws {
        let bare = try ResultMeta(reading: Array(#"{"status":"SUCCESS","result":NaN}"#.utf8), taskID: "1")
        #expect(bare.result.json == nil)
        #expect(bare.taskID == "1")
        let plain = try ResultMeta(reading: Array(#"{"task_id":"1","status":"FAILURE","result":"oops"}"#.utf8))
        #expect(plain.exception?.message == "oops")
        for text in ["", "[]", "5", "{}", #"{"status":5,"task_id":"1"}"#, #"{"status":"SUCCESS"}"#, "\u{80}\u{4}"] {
            #expect(throws: CeleryError.self, "\(text)") { try ResultMeta(reading: Array(text.utf8)) }
        }
    }

    @Test func `Truncated and altered results do not trap`() throws {
        var random = SeededGenerator(seed: 9)
        for name in Fixtures.names("redis/result-") {
            for text in try Fixtures.results(in: name) {
                let bytes = Array(text.utf8)
                for length in stride(from: 0, to: bytes.count, by: 7) {
                    _ = try? ResultMeta(reading: Array(bytes.prefix(length)))
                }
                for _ in 0..<100 {
                    var altered = bytes
                    altered[Int.random(in: altered.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                    guard let meta = try? ResultMeta(reading: altered) else { continue }
                    _ = meta.exception?.repr
                    _ = try JSON(parsing: meta.jsonBytes())
                }
            }
        }
    }
}
