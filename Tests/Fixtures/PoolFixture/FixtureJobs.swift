import Jobs

typealias FixtureJob = @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]

/// All jobs by name.
let fixtureJobs: [String: FixtureJob] = ordinaryJobs.merging(stubbornJobs) { first, _ in first }
    .merging(crashingJobs) { first, _ in first }
    .merging(talkingJobs) { first, _ in first }
    .merging(fileJobs) { first, _ in first }

/// Well-behaved jobs.
let ordinaryJobs: [String: FixtureJob] = [
    "noop": { _, _ in [] },
    "echo": { task, _ in task.payload },
    "sleep": { task, _ in
        try await Task.sleep(for: .milliseconds(task.number ?? 60_000))
        return Array("slept".utf8)
    },
    "throw": { task, _ in throw OrdinaryError(reason: task.text) },
    "throw-failure": { _, _ in
        throw WorkerFailure(kind: .error, code: "chosen", message: "A chosen failure.", trace: "a trace")
    },
    "throw-cancellation": { _, _ in throw CancellationError() },
    "main-actor": { _, _ in await onMainActor() },
    "environment": { task, _ in Array((Setting.text(task.text) ?? "-").utf8) },
    "pid": { _, _ in Array("\(Setting.ownPID)".utf8) },
    "parallel": { _, _ in await parallelSum() },
]

struct OrdinaryError: Error, CustomStringConvertible {
    let reason: String
    var description: String { "ordinary: \(reason)" }
}

@MainActor private func onMainActor() -> [UInt8] { Array("main".utf8) }

private func parallelSum() async -> [UInt8] {
    let sum = await withTaskGroup(of: Int.self) { group in
        for number in 1...100 { group.addTask { number } }
        return await group.reduce(0, +)
    }
    return Array("\(sum)".utf8)
}

extension WorkerTask {
    var text: String { String(decoding: payload, as: UTF8.self) }
    var number: Int? { Int(text) }
}
