import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Recorded task messages")
struct RecordedTasksTests {
    @Test func `All recorded messages are read, and Swift writes the same messages`() throws {
        var (read, all, fields) = (0, 0, 0)
        for name in Fixtures.names() {
            for task in try Fixtures.tasks(in: name) {
                all += 1
                do {
                    let message = try TaskMessage(task.raw)
                    read += 1
                    // Protocol 1 is only read.
                    guard task.raw.taskName != nil else { continue }
                    fields += try compare(message, task)
                } catch {
                    Issue.record("\(task): \(error)")
                }
            }
        }
        print("\(read) of \(all) recorded messages read, \(fields) fields compared")
        #expect(read == all)
        #expect(all == 137)
    }

    private func compare(_ message: TaskMessage, _ task: RecordedTask) throws -> Int {
        var message = message
        // Generate it instead of copying it.
        message.origin = nil
        var comparison = FieldComparison(task.file, ours: message.raw(queue: task.raw.routingKey), recorded: task.raw)
        try comparison.compare()
        return comparison.count
    }

    @Test func `Each kind of message has a fixture for both brokers`() {
        #expect(Fixtures.names("redis/task-").count == 22)
        #expect(Fixtures.names("rabbitmq/task-").count == 8)
    }

    @Test func `Messages round-trip`() throws {
        for name in Fixtures.names("redis/task-") {
            for task in try Fixtures.tasks(in: name) {
                var message = try TaskMessage(task.raw)
                var again = try TaskMessage(message.raw(queue: "celery"))
                // Only the body is reformatted.
                (message.arguments, again.arguments) = (.init(message.arguments.json), .init(again.arguments.json))
                (message.kwargs, again.kwargs) = (.init(message.kwargs.json), .init(again.kwargs.json))
                if message.rootID == nil { message.rootID = message.id }
                if message.argumentsRepr == nil { again.argumentsRepr = nil }
                if message.keywordsRepr == nil { again.keywordsRepr = nil }
                if message.origin == nil { again.origin = nil }
                #expect(again == message, "\(name)")
            }
        }
    }

    @Test func `The fields of the recorded messages are read`() throws {
        func message(_ name: String) throws -> TaskMessage {
            try TaskMessage(try #require(Fixtures.tasks(in: "redis/task-\(name)").first).raw)
        }
        #expect(try message("args-kwargs").arguments.json == [1])
        #expect(try message("args-kwargs").kwargs.json == ["y": 2])
        #expect(try message("eta-datetime").eta == 1_893_492_000_000)
        #expect(try message("timelimits").hardTimeLimit == 30)
        #expect(try message("timelimits").softTimeLimit == 20)
        #expect(try message("ignore-result").ignoresResult == true)
        #expect(try message("send-task-by-name").ignoresResult == nil)
        #expect(try message("priority-9").priority == 9)
        #expect(try message("chain").chain.map(\.arguments) == [[4], [3]])
        #expect(try message("chord").chord?.task == "lab.tsum")
        #expect(try message("chord").groupIndex == 0)
        #expect(try message("link").callbacks.map(\.task) == ["lab.add"])
        #expect(try message("link").errbacks.map(\.isImmutable) == [true])
        #expect(try message("shadow-headers").displayName == "pretty.name")
        #expect(try message("shadow-headers").custom == ["x_trace": "abc"])
        #expect(try message("shadow-headers").replyTo == "my-reply")
        #expect(
            try message("stamped").custom == ["stamped_headers": ["customer"], "stamps": ["customer": "acme"]]
        )
        #expect(try message("compressed-zlib").arguments.json == [1, 2])
        #expect(try message("protocol1").arguments.json == [1, 2])
        #expect(try message("protocol1").id == "00000000-0000-4000-8000-000000000026")
    }

    @Test func `Python's typed values are read in plain form`() throws {
        let raw = try #require(Fixtures.tasks(in: "redis/task-typed-json").first).raw
        let plain = try TypedJSON.plain(TaskMessage(raw).arguments).json
        let expected: JSON = [
            "2026-01-02T03:04:05.678901+00:00", "2026-01-02T03:04:05", "2026-01-02", "03:04:05", "1.50",
            "00000000-0000-0000-0000-000000000007", "abc", "/wA=", [1, [2, 3]], nil, true, 1.5e300,
        ]
        #expect(plain == expected)
    }
}
