import ServiceLifecycle
import Support
import Synchronization

extension EmbeddedJobManager {
    /// Opens the store and takes back the jobs of an earlier process. ``run()`` does it; call it before to see whether the
    /// folder can be used before anything else is started.
    ///
    /// - Throws: `JobsError`, for example `.folderInUse`.
    public func open() async throws {
        let isFirst = opening.withLock { opening in
            defer { opening = true }
            return !opening
        }
        guard isFirst else { return try await opened.wait() }
        do {
            let jobs = try await store.open()
            await perform(withEngine { $0.restore(jobs, at: $1) })
            await prune()
            opened.settle(.success(()))
        } catch {
            let error = storageError(error, "be opened")
            opened.settle(.failure(error))
            throw error
        }
    }

    /// Runs jobs, and the executor, until the service is asked to stop or the task is cancelled.
    ///
    /// Then no attempt begins any more. Those under way end as the executor sees fit; the jobs of those it gives up wait
    /// for the next process. Everything is stored and the store closed when this returns.
    ///
    /// - Throws: `JobsError` if the store cannot be opened, or what the executor throws.
    public func run() async throws {
        try await open()
        var failure: (any Error)?
        await withTaskCancellationOrGracefulShutdownHandler {
            failure = await runUntilStopped()
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
        await close()
        if let failure { throw failure }
    }

    private func runUntilStopped() async -> (any Error)? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.alarm.run(clock: self.clock) { await self.timePassed() } }
            group.addTask { await self.runExecutions() }
            let failure = await runExecutor()
            stop()
            await group.waitForAll()
            return failure
        }
    }

    private func runExecutor() async -> (any Error)? {
        do {
            try await executor.run()
            return nil
        } catch is CancellationError {
            return nil
        } catch {
            return error
        }
    }

    private func runExecutions() async {
        await withDiscardingTaskGroup { group in
            for await execution in executions {
                group.addTask { await self.execute(execution) }
            }
        }
    }

    private func stop() {
        withEngine { engine, _ in engine.stop() }
        executionFeed.finish()
        alarm.stop()
    }

    private func close() async {
        await perform(withEngine { $0.close(at: $1) })
        opened.settle(.failure(JobsError(.stopped, "The manager of jobs has stopped.")))
        wakeAll()
        await store.close()
    }

    private func wakeAll() {
        let waiting = state.withLock { state in
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for continuation in waiting { continuation.resume() }
    }
}
