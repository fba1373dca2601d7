import Logging
import Synchronization

extension EmbeddedJobManager {
    /// Does what the engine wants, and what it wants after that.
    ///
    /// - Returns: The error of the first write, if it failed. The engine has been told.
    @discardableResult
    func perform(_ first: JobActions) async -> JobsError? {
        var actions = first
        var firstError: JobsError?
        var isFirst = true
        while true {
            carryOut(actions)
            guard !actions.changes.isEmpty else { return firstError }
            let (next, error) = await write(actions)
            if isFirst { firstError = error }
            isFirst = false
            actions = next
        }
    }

    private func carryOut(_ actions: JobActions) {
        wake(actions.woken)
        for task in actions.stopped { executor.cancel(task) }
        for execution in actions.executions { executionFeed.yield(execution) }
    }

    private func write(_ actions: JobActions) async -> (JobActions, JobsError?) {
        do {
            let refused = try await store.write(actions.changes)
            return (withEngine { $0.written(actions.steps, refused: refused, at: $1) }, nil)
        } catch {
            let error = storageError(error, "write")
            logger.error("A write of jobs failed.", metadata: ["error": "\(error)"])
            return (withEngine { $0.writeFailed(actions.steps, error, at: $1) }, error)
        }
    }

    private func wake(_ waiters: Set<Int>) {
        guard !waiters.isEmpty else { return }
        let continuations = state.withLock { state in waiters.compactMap { state.waiters.removeValue(forKey: $0) } }
        for continuation in continuations { continuation.resume() }
    }

    /// Executes one attempt and sees to its end.
    func execute(_ execution: JobExecution) async {
        let (id, attempt) = (execution.id, execution.attempt)
        let outcome = await executor.execute(execution.task) { update in
            self.updated(id, attempt: attempt, update)
        }
        await perform(withEngine { $0.attemptEnded(id, attempt: attempt, outcome, at: $1) })
    }

    private func updated(_ id: JobID, attempt: Int, _ update: WorkerUpdate) {
        switch update {
        case .started: carryOut(withEngine { engine, _ in engine.begun(id, attempt: attempt) })
        case .progress(let body): merge(body, as: .progress, of: id, attempt: attempt)
        case .setProps(let body): merge(body, as: .props, of: id, attempt: attempt)
        }
    }

    private func merge(_ body: [UInt8], as sort: JobChanges.Sort, of id: JobID, attempt: Int) {
        guard let values = PropertyValue.list(from: body) else {
            logger.error("A job sent something that is no list of property values.", metadata: ["job": "\(id)"])
            return
        }
        carryOut(withEngine { $0.merge(values, as: sort, of: id, attempt: attempt, at: $1) })
    }

    /// The alarm has gone off.
    func timePassed() async {
        let actions = withEngine { $0.timePassed(at: $1) }
        await perform(actions)
        if actions.prunes { await prune() }
    }

    func prune() async {
        let now = clock.now().wall
        do {
            let left = try await store.prune(finishedBefore: now - configuration.keepFinished, at: now)
            withEngine { $0.pruned(left, at: $1) }
        } catch {
            logger.error("Old jobs could not be removed.", metadata: ["error": "\(error)"])
            withEngine { $0.pruned(StorePruning(oldestFinished: now), at: $1) }
        }
    }
}
