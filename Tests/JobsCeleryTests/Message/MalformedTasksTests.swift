import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Malformed task messages")
struct MalformedTasksTests {
    private static let smallest = BrokerMessage(
        headers: ["task": "lab.add", "id": "1"],
        body: Array("[[1,2],{},{}]".utf8),
        contentType: "application/json",
        contentEncoding: nil,
        routingKey: "dash"
    )

    private func raw(_ change: (inout BrokerMessage) -> Void) -> BrokerMessage {
        var raw = Self.smallest
        change(&raw)
        return raw
    }

    private func refusal(_ change: (inout BrokerMessage) -> Void) -> CeleryError? {
        do {
            let message = try TaskMessage(raw(change))
            Issue.record("Read without an error: \(message)")
            return nil
        } catch {
            return error
        }
    }

    @Test func `Optional parts may be missing`() throws {
        let message = try TaskMessage(Self.smallest)
        #expect(message.arguments.json == [1, 2])
        #expect(message.treeID == "1")
        for headers: JSONObject in [
            ["timelimit": nil], ["timelimit": []], ["timelimit": [nil, 0]], ["retries": nil], ["argsrepr": nil],
            ["x": ["y": 1]], ["eta": ""], ["group": nil], ["ignore_result": nil], ["stamps": nil],
        ] {
            let raw = raw { raw in for (name, value) in headers { raw.headers[name] = value } }
            #expect(throws: Never.self) { try TaskMessage(raw) }
        }
        for body in ["[[1,2],{},null]", "[[1,2],{},{\"chain\":[]}]", " [ [1,2] , {} , {\"callbacks\":null} ] "] {
            #expect(try TaskMessage(raw { $0.body = Array(body.utf8) }).arguments.json == [1, 2])
        }
        #expect(try TaskMessage(raw { $0.headers["id"] = "not a uuid" }).id == "not a uuid")
    }

    @Test func `Each fault throws an error with a message and the task's id`() {
        let faults: [(String, (inout BrokerMessage) -> Void)] = [
            ("content type", { $0.contentType = nil }),
            ("2 elements", { $0.body = Array("[[1],{}]".utf8) }),
            ("not an array", { $0.body = Array("{\"a\":1}".utf8) }),
            ("not valid JSON", { $0.body = Array("[[1],{},{}".utf8) }),
            ("not valid JSON", { $0.body = [] }),
            ("not valid JSON", { $0.body = [0xFF, 0xFE] }),
            ("named arguments are null", { $0.body = Array("[[1],null,{}]".utf8) }),
            ("arguments are null", { $0.body = Array("[null,{},{}]".utf8) }),
            ("third element", { $0.body = Array("[[1],{},[]]".utf8) }),
            ("header eta is 5", { $0.headers["eta"] = 5 }),
            ("header eta is \"soon\"", { $0.headers["eta"] = "soon" }),
            ("header expires", { $0.headers["expires"] = 120 }),
            ("header retries", { $0.headers["retries"] = "many" }),
            ("header retries", { $0.headers["retries"] = -1 }),
            ("header retries", { $0.headers["retries"] = .int(.max) }),
            ("header timelimit", { $0.headers["timelimit"] = 5 }),
            ("header timelimit", { $0.headers["timelimit"] = [1e300, nil] }),
            ("header timelimit", { $0.headers["timelimit"] = [nil, -1] }),
            ("not valid JSON", { $0.body = Array("[[\(String(repeating: "[", count: 200_000))".utf8) }),
            ("not valid JSON", { $0.body = Array("[[],{},\(String(repeating: "{\"a\":", count: 200_000))".utf8) }),
            ("callbacks", { $0.body = Array("[[1],{},{\"callbacks\":5}]".utf8) }),
            ("chain[0]", { $0.body = Array("[[1],{},{\"chain\":[{}]}]".utf8) }),
            ("chord", { $0.body = Array("[[1],{},{\"chord\":[1]}]".utf8) }),
            ("typed value", { $0.body = Array("[[{\"__type__\":\"color\",\"__value__\":1}],{},{}]".utf8) }),
        ]
        for (words, change) in faults {
            let error = refusal(change)
            #expect(error?.message.contains(words) == true, "\(words): \(error.map { "\($0)" } ?? "none")")
            #expect(error?.taskID == "1", "\(words)")
        }
    }

    @Test func `Without an id the error has the correlation id`() {
        #expect(refusal { $0.headers["id"] = nil }?.taskID == nil)
        let error = refusal { raw in
            raw.headers["id"] = nil
            raw.correlationID = "7"
        }
        #expect(error?.taskID == "7")
        #expect(refusal { $0.headers["id"] = 5 }?.message.contains("header id") == true)
        #expect(refusal { $0.headers["task"] = nil }?.code == .malformed)
    }

    @Test func `Errors of other serialisations name the setting to change`() {
        for type in ["application/x-python-serialize", "application/x-yaml", "application/x-msgpack", "text/plain"] {
            let error = refusal { $0.contentType = type }
            #expect(error?.code == .contentType)
            #expect(error?.message.contains("task_serializer = 'json'") == true)
        }
        #expect(refusal { $0.contentEncoding = "latin-1" }?.code == .contentType)
        let bzip2 = refusal { $0.headers["compression"] = "application/x-bz2" }
        #expect(bzip2?.message.contains("task_compression = 'zlib'") == true)
        #expect(throws: Never.self) { try TaskMessage(raw { $0.contentType = "Application/JSON; charset=utf-8" }) }
    }

    @Test func `Compressed bodies that are damaged, truncated or too large are refused`() throws {
        let packed = try #require(Fixtures.tasks(in: "redis/task-compressed-zlib").first).raw
        for length in [0, 1, 10, packed.body.count - 1] {
            var cut = packed
            cut.body = Array(packed.body.prefix(length))
            #expect(throws: CeleryError.self) { try TaskMessage(cut) }
        }
        var damaged = packed
        damaged.body[20] ^= 0xFF
        #expect(throws: CeleryError.self) { try TaskMessage(damaged) }
        let size = try Inflation.inflate(packed.body, limit: 1000).count
        #expect(try Inflation.inflate(packed.body, limit: size).count == size)
        #expect(throws: CeleryError.self) { try Inflation.inflate(packed.body, limit: size - 1) }
    }

    @Test func `NaN and infinite numbers are read as null`() throws {
        let message = try TaskMessage(raw { $0.body = Array(#"[[NaN, -Infinity, "a\"NaN", Infinity],{},{}]"#.utf8) })
        #expect(message.arguments.json == [nil, nil, "a\"NaN", nil])
    }

    @Test func `Protocol 1 is validated too`() {
        let id = #""task":"t","id":"9","#
        let bodies = [
            #"{"id":"9"}"#, #"{"task":"t"}"#, "{\(id)\"args\":5}", "{\(id)\"kwargs\":[]}", "{\(id)\"eta\":5}", "[]",
            "5",
        ]
        for body in bodies {
            let error = refusal { raw in
                raw.headers = [:]
                raw.body = Array(body.utf8)
            }
            #expect(error?.code == .malformed, "\(body)")
            #expect(error?.taskID == (body.contains("\"t\",\"id\"") ? "9" : nil), "\(body)")
        }
    }

    @Test func `Truncated and altered messages do not trap`() throws {
        var random = SeededGenerator(seed: 5)
        for name in Fixtures.names("redis/task-") {
            for task in try Fixtures.tasks(in: name) {
                for length in stride(from: 0, to: task.raw.body.count, by: 3) {
                    var cut = task.raw
                    cut.body = Array(cut.body.prefix(length))
                    _ = try? TaskMessage(cut)
                }
                for _ in 0..<150 {
                    var altered = task.raw
                    let place = Int.random(in: altered.body.indices, using: &random)
                    altered.body[place] = UInt8.random(in: 0...255, using: &random)
                    if let message = try? TaskMessage(altered) {
                        // An accepted message can be written and read again.
                        _ = try TaskMessage(message.raw(queue: "q"))
                        _ = try JSON(parsing: message.arguments.bytes)
                    }
                    let header = altered.headers.keys.randomElement(using: &random) ?? "task"
                    altered.headers[header] = [JSON.null, 5, -1.5, "", [], [:], [1, "x"], true].randomElement(
                        using: &random
                    )
                    _ = try? TaskMessage(altered)
                }
            }
        }
    }
}

/// A deterministic generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
