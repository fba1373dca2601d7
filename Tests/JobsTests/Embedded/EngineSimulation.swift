import DashJSON
import Testing

@testable import Jobs

/// Drives an engine at random: writes complete late, in any order, or fail; tasks end in every way; time passes. Checks
/// invariants after each step.
struct EngineSimulation {
    var engine: JobEngine
    var random: SeededRandom
    var now = JobTime(monotonic: .seconds(1000), wall: WallTime(milliseconds: 1_800_000_000_000))
    var writes: [JobActions] = []
    var executing: [JobExecution] = []
    var waiters: Set<Int> = []
    var lastWaiter = 0
    var begun: Set<String> = []
    var ids: [JobID] = []
    var ends: [JobID: (state: JobState, sequence: Int)] = [:]
    let failingWrites: Int

    init(seed: UInt64, failingWrites: Int) {
        var configuration = JobManagerConfiguration()
        configuration.queueLimit = 20
        configuration.jobsPerOwner = 10
        engine = JobEngine(configuration: configuration, maximumRunning: 3)
        random = SeededRandom(seed: seed)
        self.failingWrites = failingWrites
    }

    mutating func run(steps: Int) throws {
        take(engine.restore([], at: now))
        for _ in 0..<steps {
            try step(Int.random(in: 0..<10, using: &random))
            try check()
        }
        try drain()
    }

    private mutating func step(_ kind: Int) throws {
        switch kind {
        case 0, 1: start()
        case 2, 3, 4: endWrite(mayFail: true)
        case 5, 6: endTask()
        case 7: ask()
        case 8: if let id = ids.randomElement(using: &random) { take(engine.cancel(id, reason: "x", at: now)) }
        default: passTime(.milliseconds(Int.random(in: 0..<3000, using: &random)))
        }
    }

    private mutating func start() {
        let request = JobRequest(
            name: "a",
            owner: "\(Int.random(in: 0..<3, using: &random))",
            priority: Int.random(in: 0..<3, using: &random),
            retries: .upTo(Int.random(in: 0..<3, using: &random), backoff: .constant(.seconds(1)))
        )
        guard let actions = try? engine.start(request, at: now) else { return }
        ids.append(request.id)
        take(actions)
    }

    private mutating func endWrite(mayFail: Bool) {
        guard let index = writes.indices.randomElement(using: &random) else { return }
        let write = writes.remove(at: index)
        if mayFail, Int.random(in: 0..<100, using: &random) < failingWrites {
            take(engine.writeFailed(write.steps, JobsError(.storage, "full"), at: now))
        } else {
            take(engine.written(write.steps, refused: [], at: now))
        }
    }

    private mutating func endTask() {
        guard let index = executing.indices.randomElement(using: &random) else { return }
        let task = executing.remove(at: index)
        let failure = WorkerFailure(kind: .error, code: "", message: "")
        let outcomes: [WorkerOutcome] = [.succeeded([49]), .failed(failure), .cancelled(killed: true), .shutDown]
        guard let outcome = outcomes.randomElement(using: &random) else { return }
        let value = PropertyValue(id: "a", property: "b", value: .null)
        take(engine.merge([value], as: .props, of: task.id, attempt: task.attempt, at: now))
        take(engine.attemptEnded(task.id, attempt: task.attempt, outcome, at: now))
        // Reports of an ended attempt are ignored.
        let again = engine.attemptEnded(task.id, attempt: task.attempt, .succeeded([50]), at: now)
        #expect(again.changes.isEmpty && again.executions.isEmpty)
    }

    private mutating func ask() {
        guard let id = ids.randomElement(using: &random) else { return }
        lastWaiter += 1
        let sequence = engine.state.jobs[id]?.status.sequence ?? 0
        if case .waiting = engine.nextUpdate(of: id, after: sequence, waiter: lastWaiter, at: now) {
            waiters.insert(lastWaiter)
        }
    }

    private mutating func passTime(_ duration: Duration) {
        now.monotonic += duration
        now.wall = now.wall + duration
        _ = engine.timeToArm()
        if let armed = engine.state.deadlines.armed, armed <= now.monotonic { take(engine.timePassed(at: now)) }
    }

    private mutating func take(_ actions: JobActions) {
        waiters.subtract(actions.woken)
        for execution in actions.executions {
            #expect(begun.insert(execution.task.id).inserted, "an attempt begins once")
            executing.append(execution)
        }
        if !actions.changes.isEmpty { writes.append(actions) }
    }

    private mutating func check() throws {
        try #require(executing.count <= 3 && engine.state.jobs.runningCount <= 3)
        try #require(Set(executing.map(\.id)).count == executing.count, "a job runs once at a time")
        try #require(engine.state.jobs.waitingCount <= 20 + 3)
        for entry in engine.state.jobs.all where entry.status.state.isFinished {
            let id = entry.request.id
            let end = ends[id] ?? (entry.status.state, entry.status.sequence)
            try #require(end == (entry.status.state, entry.status.sequence), "an end does not change")
            try #require(entry.waiters.isEmpty)
            ends[id] = end
        }
    }

    /// Completes everything successfully. Afterwards nothing waits, runs or is counted.
    private mutating func drain() throws {
        for _ in 0..<10_000 {
            while !writes.isEmpty { endWrite(mayFail: false) }
            while !executing.isEmpty { endTask() }
            passTime(.seconds(1))
            try check()
            if writes.isEmpty, executing.isEmpty, engine.state.jobs.all.allSatisfy(\.status.state.isFinished) { break }
        }
        try #require(engine.state.jobs.waitingCount == 0 && engine.state.jobs.runningCount == 0)
        try #require(engine.state.jobs.unfinishedOfOwner.isEmpty)
        try #require(waiters.isEmpty)
        passTime(.seconds(4000))
        #expect(engine.state.jobs.all.isEmpty && engine.state.jobs.finished.count == 0)
    }
}

/// A deterministic generator.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
