import Jobs
import Logging
import Testing

/// Runs `body` with a running pool of the fixture, then stops the pool at once and checks that no process is left.
func withPool(
    _ configuration: WorkerPoolConfiguration = FixtureExecutable.configuration(),
    logger: Logger = .silent,
    sourceLocation: SourceLocation = #_sourceLocation,
    body: (WorkerPool) async throws -> Void
) async throws {
    let pool = WorkerPool(configuration, logger: logger)
    let service = Task { try await pool.run() }
    do { try await body(pool) } catch {
        service.cancel()
        try await service.value
        throw error
    }
    let pids = pool.statistics.pids
    service.cancel()
    try await service.value
    #expect(pool.statistics.pids.isEmpty, sourceLocation: sourceLocation)
    #expect(pids.allSatisfy { !isAlive($0) }, sourceLocation: sourceLocation)
}

/// A submitted task with its updates.
struct RunningTask: Sendable {
    let id: String
    let updates: AsyncStream<WorkerUpdate>
    private let result: Task<WorkerOutcome, Never>

    init(_ pool: WorkerPool, _ name: String, _ payload: String = "", id: String? = nil) {
        let task = WorkerTask(id: id ?? "\(name)-\(nextNumber())", name: name, payload: Array(payload.utf8))
        let (stream, continuation) = AsyncStream.makeStream(of: WorkerUpdate.self)
        self.id = task.id
        updates = stream
        result = Task {
            let outcome = await pool.execute(task) { continuation.yield($0) }
            continuation.finish()
            return outcome
        }
    }

    var outcome: WorkerOutcome {
        get async { await result.value }
    }

    /// Waits until the task runs and returns the process id.
    func started() async throws -> Int32 {
        for await update in updates {
            if case .started(let worker) = update { return worker }
        }
        throw NeverHappened(what: "\(id) started")
    }

    /// Waits for progress and returns it as text. Call it after ``started()``.
    func progress() async throws -> String {
        for await update in updates {
            if case .progress(let body) = update { return String(decoding: body, as: UTF8.self) }
        }
        throw NeverHappened(what: "\(id) reported progress")
    }
}

extension WorkerPool {
    /// Runs a task and returns its outcome.
    func outcome(_ name: String, _ payload: String = "") async -> WorkerOutcome {
        await RunningTask(self, name, payload).outcome
    }
}

extension WorkerOutcome {
    /// The result as text.
    var text: String? {
        if case .succeeded(let body) = self { return String(decoding: body, as: UTF8.self) }
        return nil
    }

    var failure: WorkerFailure? {
        if case .failed(let failure) = self { return failure }
        return nil
    }
}
