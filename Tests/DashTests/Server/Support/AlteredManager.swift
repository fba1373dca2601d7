import DashJSON
import Jobs
import Synchronization

/// A job manager whose updates a test alters: as after a restart, a time limit or a fault of its store.
final class AlteredManager: JobManager {
    private struct State {
        var alter: (@Sendable (inout JobUpdate) throws -> Void)?
        var beforeStart: (@Sendable (_ number: Int) async throws -> Void)?
        var onCancel: (@Sendable () throws -> Void)?
        var onStart: (@Sendable (JobRequest) -> Void)?
        var starts = 0
        var started: [JobID] = []
    }

    let base: EmbeddedJobManager
    private let state = Mutex(State())

    init(_ base: EmbeddedJobManager) {
        self.base = base
    }

    /// Applies `alter` to all later updates.
    func alter(_ alter: @escaping @Sendable (inout JobUpdate) throws -> Void) {
        state.withLock { $0.alter = alter }
    }

    /// Makes each later start wait for `wait`; the first has the number 1.
    func beforeStart(_ wait: @escaping @Sendable (_ number: Int) async throws -> Void) {
        state.withLock { $0.beforeStart = wait }
    }

    /// Calls `handler` before each later start.
    func beforeEachStart(_ handler: @escaping @Sendable (JobRequest) -> Void) {
        state.withLock { $0.onStart = handler }
    }

    /// Calls `step` before each later cancellation.
    func beforeCancel(_ step: @escaping @Sendable () throws -> Void) {
        state.withLock { $0.onCancel = step }
    }

    /// The started jobs, in order.
    var started: [JobID] { state.withLock { $0.started } }

    func run() async throws { try await base.run() }

    func start(_ request: JobRequest) async throws -> JobID {
        let (wait, handler, number) = state.withLock { state in
            state.starts += 1
            return (state.beforeStart, state.onStart, state.starts)
        }
        handler?(request)
        try await wait?(number)
        let job = try await base.start(request)
        state.withLock { $0.started.append(job) }
        return job
    }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? { try await base.cachedResult(for: key) }

    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try altered(await base.update(of: id, after: sequence))
    }

    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try altered(await base.nextUpdate(of: id, after: sequence))
    }

    func record(_ delivery: Delivery, for id: JobID) async throws { try await base.record(delivery, for: id) }

    func cancel(_ id: JobID, reason: String) async throws {
        try state.withLock { $0.onCancel }?()
        try await base.cancel(id, reason: reason)
    }

    func end(of id: JobID) async throws {
        var known = -1
        while let news = try await base.nextUpdate(of: id, after: known), !news.state.isFinished {
            known = news.sequence
        }
    }

    func statistics() async -> JobStatistics { await base.statistics() }

    private func altered(_ news: JobUpdate?) throws -> JobUpdate? {
        guard var news else { return nil }
        try state.withLock { $0.alter }?(&news)
        return news
    }
}
