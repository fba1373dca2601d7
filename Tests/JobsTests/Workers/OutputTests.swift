import Jobs
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct OutputTests {
    @Test("a task's output is logged line by line, with worker and task")
    func relayed() async throws {
        let lines = LogLines()
        let logger = Logger(label: "test") { _ in LinesHandler(lines: lines) }
        try await withPool(logger: logger) { pool in
            let task = RunningTask(pool, "print", "hello")
            let worker = try await task.started()
            #expect(await task.outcome.text == "")
            try await until("both lines are there") { lines.all.count == 2 }
            #expect(lines.all.map(\.text).sorted() == ["to stderr: hello", "to stdout: hello"])
            #expect(lines.all.allSatisfy { $0.worker == "\(worker)" && $0.task == task.id })
        }
    }
}

/// The logged lines.
private final class LogLines: Sendable {
    struct Line: Sendable {
        var text: String
        var worker: String?
        var task: String?
    }

    private let lines = Mutex<[Line]>([])
    var all: [Line] { lines.withLock { $0 } }
    func add(_ line: Line) { lines.withLock { $0.append(line) } }
}

private struct LinesHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(lines: LogLines) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        lines.add(.init(text: "\(event.message)", worker: all["worker"]?.description, task: all["task"]?.description))
    }
}
