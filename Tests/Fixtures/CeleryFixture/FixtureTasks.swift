import DashJSON
import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

typealias FixtureTask = @Sendable (TaskCall, WorkerChannel) async throws -> [UInt8]

/// All tasks by name; on the queue with the prefix `fixture.`.
let fixtureTasks: [String: FixtureTask] = ordinaryTasks.merging(hardTasks) { first, _ in first }

/// Well-behaved tasks.
private let ordinaryTasks: [String: FixtureTask] = [
    "noop": { _, _ in [] },
    "echo": { call, _ in JSON.array(call.arguments).serialized() },
    "add": { call, _ in try number(call.number(0, default: 0) + call.number(1, default: 0)) },
    "mul": { call, _ in try number(call.number(0, default: 0) * call.number(1, default: 0)) },
    // The sum of a list: a chord's body.
    "sum": { call, _ in number(call.arguments.first?.arrayValue?.compactMap(\.doubleValue).reduce(0, +) ?? 0) },
    // Sleeps for a number of seconds; can be cancelled.
    "sleep": { call, _ in
        try await Task.sleep(for: .seconds(try call.number(0, default: 60)))
        return Array(#""slept""#.utf8)
    },
    // Sends the progress 1...n, a tenth of a second apart.
    "progress": { call, channel in
        let count = Int(try call.number(0, default: 10))
        for step in 1...max(1, count) {
            channel.progress(Array(#"[["bar","value",\#(step)],["bar","max",\#(count)]]"#.utf8))
            // The task's work.
            try await Task.sleep(for: .milliseconds(100))
        }
        return Array("\(count)".utf8)
    },
    // A text with a number of bytes.
    "big": { call, _ in
        let count = Int(try call.number(0, default: 1_000_000))
        return [UInt8(ascii: "\"")] + [UInt8](repeating: UInt8(ascii: "x"), count: count) + [UInt8(ascii: "\"")]
    },
    "pid": { _, _ in Array("\(getpid())".utf8) },
    // Notes its start in a file, sleeps for a number of seconds, notes its end.
    "mark": { call, _ in
        let file = try call.text(0)
        note("start", in: file)
        try await Task.sleep(for: .seconds(try call.number(1, default: 0)))
        note("end", in: file)
        return Array("\(getpid())".utf8)
    },
    // Notes its start in a file, waits until a file with that name and `.open` appended exists, notes its end.
    "gate": { call, _ in
        let file = try call.text(0)
        note("start", in: file)
        while access(file + ".open", F_OK) != 0 { try await Task.sleep(for: .milliseconds(20)) }
        note("end", in: file)
        return Array("\(getpid())".utf8)
    },
    // Notes each attempt in a file, fails twice, and returns the number of the successful attempt.
    "flaky": { call, _ in
        let file = try call.text(0)
        note("start", in: file)
        let count = lineCount(of: file)
        guard count > 2 else { throw FixtureError(reason: "attempt \(count)") }
        return Array("\(count)".utf8)
    },
    "fail": { call, _ in throw FixtureError(reason: (try? call.text(0)) ?? "as requested") },
]

/// Tasks that do not finish, or crash their process.
private let hardTasks: [String: FixtureTask] = [
    // Ignores its cancellation.
    "spin": { _, _ in
        var number = UInt64(getpid())
        while number != 0 { number = number &* 6_364_136_223_846_793_005 | 1 }
        return []
    },
    // Takes a number of seconds to clean up after its cancellation.
    "tidy": { call, _ in
        while !Task.isCancelled { usleep(1000) }
        usleep(UInt32(try call.number(0, default: 0.1) * 1_000_000))
        throw CancellationError()
    },
    "trap": { call, _ in Array("\([1, 2, 3][call.arguments.count + 3])".utf8) },
    "exit": { call, _ in exit(Int32(try call.number(0, default: 1))) },
    // Notes its start in a file, if given, and sends a signal to its own process.
    "kill": { call, _ in
        if call.arguments.count > 1 { note("start", in: try call.text(1)) }
        kill(getpid(), Int32(try call.number(0, default: 9)))
        return []
    },
    // Notes its start in a file and kills the worker: the parent process.
    "kill-worker": { call, _ in
        note("start", in: try call.text(0))
        kill(getppid(), SIGKILL)
        try await Task.sleep(for: .seconds(60))
        return []
    },
    // Allocates a number of megabytes, beyond a limit of one gigabyte by default.
    "memory": { call, _ in
        var limit = rlimit(rlim_cur: 1 << 30, rlim_max: 1 << 30)
        setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        var all: [[UInt8]] = []
        for _ in 0..<Int(try call.number(0, default: 4096)) { all.append([UInt8](repeating: 1, count: 1 << 20)) }
        return Array("\(all.count)".utf8)
    },
]

/// An error thrown by a task.
struct FixtureError: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

private func number(_ number: Double) -> [UInt8] {
    (Int(exactly: number).map { JSON.int($0) } ?? .double(number)).serialized()
}

/// Appends a line to a file: the event, the process id, the seconds of the monotonic clock.
private func note(_ what: String, in file: String) {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let line = Array("\(what) \(getpid()) \(Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)\n".utf8)
    let descriptor = open(file, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    defer { close(descriptor) }
    write(descriptor, line, line.count)
}

private func lineCount(of file: String) -> Int {
    guard let stream = fopen(file, "r") else { return 0 }
    defer { fclose(stream) }
    var count = 0
    while case let byte = fgetc(stream), byte != EOF { count += byte == 10 ? 1 : 0 }
    return count
}
