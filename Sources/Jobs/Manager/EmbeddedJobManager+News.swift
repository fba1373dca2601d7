import Support
import Synchronization

extension EmbeddedJobManager {
    /// How a job stands now. The store is read only for jobs that finished some time ago.
    public func news(of id: JobID, after sequence: Int) async throws -> JobNews? {
        try await opened.wait()
        let fetched = try await fetch(id)
        return news(of: id, fetched: fetched, after: sequence)
    }

    /// Waits until there are news. See ``JobManager/nextNews(of:after:)``.
    ///
    /// When the manager stops, waiters are given what there is; whoever asks then gets `JobsError.stopped`.
    public func nextNews(of id: JobID, after sequence: Int) async throws -> JobNews? {
        try await opened.wait()
        if let fetched = try await fetch(id) { return news(of: id, fetched: fetched, after: sequence) }
        await untilNews(of: id, after: sequence)
        return try await currentNews(of: id, after: sequence)
    }

    private func news(of id: JobID, fetched: StoredJob?, after sequence: Int) -> JobNews? {
        let answer = withEngine { $0.news(of: id, fetched: fetched, after: sequence, at: $1) }
        guard case .news(let news) = answer else { return nil }
        return news
    }

    /// The news even if the manager stopped while they were waited for.
    private func currentNews(of id: JobID, after sequence: Int) async throws -> JobNews? {
        switch withEngine({ $0.news(of: id, after: sequence, at: $1) }) {
        case .news(let news): return news
        case .notInMemory: return try await news(of: id, after: sequence)
        case .waiting, .nothing: return nil
        }
    }

    /// Suspends until the engine wakes this waiter or the task is cancelled.
    private func untilNews(of id: JobID, after sequence: Int) async {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let now = clock.now()
                let waits = state.withLock { state in
                    guard !Task.isCancelled,
                        case .waiting = state.engine.nextNews(of: id, after: sequence, waiter: waiter, at: now)
                    else { return false }
                    state.waiters[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.engine.waiterLeft(waiter, of: id, at: clock.now())
                return state.waiters.removeValue(forKey: waiter)
            }
            continuation?.resume()
        }
    }

    /// Reads a job if only the store has it.
    func fetch(_ id: JobID) async throws -> StoredJob? {
        guard state.withLock({ $0.engine.jobs[id] == nil }) else { return nil }
        do {
            return try await store.job(id)
        } catch {
            throw storageError(error, "read a job")
        }
    }
}
