import DashJSON
import Jobs
import Synchronization

// Plain tasks: those that other programs call by name.
extension CeleryWorker {
    /// Runs a task that has a slot, or tells why a Dash job is not run, to its end.
    func run(_ task: HeldTask) async {
        if let id = task.record, let recording = parts.recording {
            await runJob(task, id, recording)
        } else {
            await runTask(task)
        }
    }

    private func runTask(_ task: HeldTask) async {
        let losses = await losses(of: task)
        guard losses < parts.settings.maximumLosses else { return await quarantine(task, losses) }
        let begun = ContinuousClock.now
        let outcome = await outcome(of: task)
        let end = finish(task, outcome)
        if losses > 0 { await forgetLosses(of: task) }
        if await retry(task, after: end) { return }
        await tell(end, of: task, runtime: begun.duration(to: .now))
    }

    private func outcome(of task: HeldTask) async -> WorkerOutcome {
        guard machine.withLock({ $0.mayRun(task) }) else { return .cancelled(killed: false) }
        let payload: [UInt8]
        do {
            payload = try parts.codec.payload(
                of: task.job.name,
                arguments: task.message.plainArguments(),
                keywords: task.message.plainKeywords(),
                extra: nil
            )
        } catch {
            return .failed(WorkerFailure(kind: .error, code: "TypeError", message: "\(error)"))
        }
        let work = WorkerTask(id: task.id, name: task.job.name, payload: payload)
        return await parts.executor.execute(work) { self.heard($0, of: task) }
    }

    private func heard(_ update: WorkerUpdate, of task: HeldTask) {
        switch update {
        case .started(let process): started(task, process)
        case .progress(let body): tell(progress: body, of: task)
        case .setProps: break  // There is no page.
        }
    }

    /// A process has begun a task.
    func started(_ task: HeldTask, _ process: Int32) {
        handle { $0.started(task, process: process, at: $1) }
        parts.events.tell(.started(id: task.id))
        guard parts.options.tracksStarted, task.record == nil else { return }
        let result: JSON = ["pid": .int(Int(process)), "hostname": .string(parts.identity.node)]
        finisher.add(TaskEnd(task.delivery, nil, meta: meta(of: task, .started, RawJSON(json: result))))
    }

    /// The slot is free again.
    func finish(_ task: HeldTask, _ outcome: WorkerOutcome) -> RunEnd {
        var end = RunEnd.outcome(outcome)
        handle { machine, time in
            let (meaning, actions) = machine.finished(task, outcome, at: time)
            end = meaning
            return actions
        }
        return end
    }

    private func tell(progress body: [UInt8], of task: HeldTask) {
        finisher.add(TaskEnd(task.delivery, nil, meta: meta(of: task, .progress, TaskProgress.meta(body))))
    }

    private func tell(_ end: RunEnd, of task: HeldTask, runtime: Duration) async {
        switch end {
        case .outcome(.succeeded(let result)): await succeed(task, result, runtime)
        case .outcome(.failed(let failure)): await fail(task, .of(failure), failure.trace ?? failure.message)
        case .softLimit: await fail(task, .softTimeLimitExceeded, "The soft time limit was exceeded.")
        case .hardLimit(let seconds): await fail(task, .timeLimitExceeded(seconds), "The task was killed.")
        case .terminated(let signal): await revoke(task, signal)
        case .interrupted, .standing, .outcome: self.end(task, .returned)
        }
    }

    private func succeed(_ task: HeldTask, _ result: [UInt8], _ runtime: Duration) async {
        let value: RawJSON
        do {
            value = try parts.codec.value(ofResult: result, of: task.job.name)
        } catch {
            return await fail(task, .swift(error), "The result has no value that can be sent.")
        }
        await end(task, .success(value), .success, value) {
            .succeeded(id: task.id, result: PythonRepr.of(value), runtime: runtime / .seconds(1))
        }
    }

    private func fail(_ task: HeldTask, _ exception: TaskException, _ trace: String) async {
        let ending = TaskEnding.failure(exception, traceback: trace)
        await end(task, ending, .failure, RawJSON(exception), traceback: trace) {
            .failed(id: task.id, exception: exception.repr, traceback: trace)
        }
    }

    private func revoke(_ task: HeldTask, _ signal: Int32) async {
        let exception = TaskException.revoked("terminated")
        await end(task, .revoked(exception), .revoked, RawJSON(exception)) {
            .revoked(id: task.id, terminated: true, signal: signal, expired: false)
        }
    }

    private func quarantine(_ task: HeldTask, _ losses: Int) async {
        _ = finish(task, .shutDown)
        await forgetLosses(of: task)
        let exception = TaskException.workerLost("the task was begun \(losses) times, and its whole worker was lost.")
        let ending = TaskEnding.failure(exception, traceback: nil)
        await end(task, ending, .failure, RawJSON(exception), settlement: .rejected) {
            .failed(id: task.id, exception: exception.repr, traceback: nil)
        }
    }

    /// Tells the end of a plain task, and what follows it.
    func end(
        _ task: HeldTask,
        _ ending: TaskEnding,
        _ state: TaskState,
        _ result: RawJSON,
        traceback: String? = nil,
        settlement: Settlement = .acknowledged,
        event: @escaping @Sendable () -> TaskEvent
    ) async {
        let meta = meta(of: task, state, result, traceback: traceback)
        await conclude(task.message, ending, taskEnd(task, settlement, meta, event: event))
    }

    /// Tells the end of a task.
    func end(
        _ task: HeldTask,
        _ settlement: Settlement?,
        _ meta: ResultMeta? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) {
        finisher.add(taskEnd(task, settlement, meta, event: event))
    }

    private func taskEnd(
        _ task: HeldTask,
        _ settlement: Settlement?,
        _ meta: ResultMeta?,
        event: (@Sendable () -> TaskEvent)?
    ) -> TaskEnd {
        let holding = machine.withLock { $0.holdings[task.number] }
        let delivery = holding?.delivery ?? task.delivery
        var end = TaskEnd(delivery, settlement, number: task.number, meta: meta, event: event)
        if let keeping = holding?.keeping, keeping != .broker { end.keeper = parts.keeper }
        end.isKeptForSure = holding?.isHandedOver == true
        return end
    }

    /// What is stored of a task; nil if nothing is to be.
    func meta(
        of task: HeldTask,
        _ state: TaskState,
        _ result: RawJSON,
        traceback: String? = nil
    ) -> ResultMeta? {
        guard task.message.ignoresResult != true else { return nil }
        let now = WorkerTime.now.wall
        return ResultMeta(task.message, state, result: result, traceback: traceback, now: now)
    }

}

extension TaskException {
    /// Why a task failed; what the caller gave wrong is Python's own error for that.
    fileprivate static func of(_ failure: WorkerFailure) -> TaskException {
        guard failure.code == "TypeError" else { return TaskException(failure) }
        return TaskException(type: "TypeError", arguments: [.string(failure.message)], module: "builtins")
    }
}
