import DashJSON
import Jobs
import Logging
import NIOCore
import Support
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
        await conclude(task, end, begun.duration(to: .now))
    }

    private func outcome(of task: HeldTask) async -> WorkerOutcome {
        guard machine.withLock({ $0.mayRun(task) }) else { return .cancelled(killed: false) }
        do {
            return await parts.executor.execute(try work(of: task)) { self.heard($0, of: task) }
        } catch {
            return .failed(WorkerFailure(kind: .error, code: "TypeError", message: "\(error)"))
        }
    }

    /// Runs a task that has just got a slot without any waiting in between, if nothing has to be asked first: its process
    /// works while this one does all else.
    ///
    /// - Returns: whether it is run.
    func runAtOnce(_ task: HeldTask) -> Bool {
        guard let pool = parts.pool, task.record == nil, !task.delivery.isRedelivered, let work = try? work(of: task)
        else { return false }
        let begun = ContinuousClock.now
        pool.submit(work) {
            self.heard($0, of: task)
        } onEnd: { outcome in
            // Not within that call, should it end within it: a slot that is free begins the next.
            guard self.loop.inEventLoop, case .succeeded = outcome else {
                return self.loop.execute { self.ended(task, outcome, begun) }
            }
            self.ended(task, outcome, begun)
        }
        return true
    }

    private func ended(_ task: HeldTask, _ outcome: WorkerOutcome, _ begun: ContinuousClock.Instant) {
        let end = finish(task, outcome)
        let runtime = begun.duration(to: .now)
        // A failure may be tried again, and what follows a task is to be sent.
        guard case .outcome(.succeeded) = end, !task.message.hasFollowers else {
            return add(.conclude(task, end, runtime))
        }
        finisher.add(conclusion(of: task, end, runtime: runtime).end)
    }

    /// Tells how a plain task's run ended, or has it tried again.
    func conclude(_ task: HeldTask, _ end: RunOutcome, _ runtime: Duration) async {
        if await retry(task, after: end) { return }
        await conclude(task, conclusion(of: task, end, runtime: runtime))
    }

    private func work(of task: HeldTask) throws -> WorkerTask {
        let payload = try parts.codec.payload(
            of: task.job.name,
            arguments: task.message.plainArguments(),
            kwargs: task.message.plainKeywords(),
            extra: nil
        )
        return WorkerTask(id: task.id, name: task.job.name, payload: payload)
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
        finisher.add(TaskCompletion(task.delivery, nil, meta: meta(of: task, .started, RawJSON(json: result))))
    }

    /// The slot is free again.
    func finish(_ task: HeldTask, _ outcome: WorkerOutcome) -> RunOutcome {
        var end = RunOutcome.outcome(outcome)
        handle { machine, time in
            let (meaning, actions) = machine.finished(task, outcome, at: time)
            end = meaning
            return actions
        }
        return end
    }

    private func tell(progress body: [UInt8], of task: HeldTask) {
        finisher.add(TaskCompletion(task.delivery, nil, meta: meta(of: task, .progress, TaskProgress.meta(body))))
    }

    private func conclusion(of task: HeldTask, _ end: RunOutcome, runtime: Duration) -> Conclusion {
        switch end {
        case .outcome(.succeeded(let result)): success(task, result, runtime)
        case .outcome(.failed(let reason)): failure(task, .of(reason), reason.trace ?? reason.message)
        case .softLimit: failure(task, .softTimeLimitExceeded, "The soft time limit was exceeded.")
        case .hardLimit(let seconds): failure(task, .timeLimitExceeded(seconds), "The task was killed.")
        case .terminated(let signal): revocation(task, signal)
        case .interrupted, .standing, .outcome: Conclusion(ending: nil, end: taskEnd(task, .returned, nil, event: nil))
        }
    }

    private func success(_ task: HeldTask, _ result: [UInt8], _ runtime: Duration) -> Conclusion {
        let value: RawJSON
        do {
            value = try parts.codec.value(ofResult: result, of: task.job.name)
        } catch {
            return failure(task, .swift(error), "The result has no value that can be sent.")
        }
        return conclusion(of: task, .success(value), .success, value) {
            .succeeded(id: task.id, result: PythonRepr.of(value), runtime: runtime / .seconds(1))
        }
    }

    private func failure(_ task: HeldTask, _ exception: TaskException, _ trace: String) -> Conclusion {
        let ending = TaskEnding.failure(exception, traceback: trace)
        return conclusion(of: task, ending, .failure, RawJSON(exception), traceback: trace) {
            .failed(id: task.id, exception: exception.repr, traceback: trace)
        }
    }

    private func revocation(_ task: HeldTask, _ signal: Int32) -> Conclusion {
        let exception = TaskException.revoked("terminated")
        return conclusion(of: task, .revoked(exception), .revoked, RawJSON(exception)) {
            .revoked(id: task.id, terminated: true, signal: signal, expired: false)
        }
    }

    private func quarantine(_ task: HeldTask, _ losses: Int) async {
        _ = finish(task, .shutDown)
        await forgetLosses(of: task)
        let exception = TaskException.workerLost("the task was begun \(losses) times, and its whole worker was lost.")
        let ending = TaskEnding.failure(exception, traceback: nil)
        let conclusion = conclusion(of: task, ending, .failure, RawJSON(exception), settlement: .rejected) {
            .failed(id: task.id, exception: exception.repr, traceback: nil)
        }
        await conclude(task, conclusion)
    }

    /// How the end of a plain task is told, and what follows it.
    func conclusion(
        of task: HeldTask,
        _ ending: TaskEnding,
        _ state: TaskState,
        _ result: RawJSON,
        traceback: String? = nil,
        settlement: Settlement = .acknowledged,
        event: @escaping @Sendable () -> TaskEvent
    ) -> Conclusion {
        let meta = meta(of: task, state, result, traceback: traceback)
        return Conclusion(ending: ending, end: taskEnd(task, settlement, meta, event: event))
    }

    /// Tells the end of a plain task, and what follows it.
    func conclude(_ task: HeldTask, _ conclusion: Conclusion) async {
        guard let ending = conclusion.ending else { return finisher.add(conclusion.end) }
        await conclude(task.message, ending, conclusion.end)
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
    ) -> TaskCompletion {
        let (holding, isBusy) = machine.withLock { ($0.holdings[task.number], $0.isBusy) }
        let delivery = holding?.delivery ?? task.delivery
        var end = TaskCompletion(delivery, settlement, number: task.number, meta: meta, event: event)
        if let keeping = holding?.keeping, keeping != .broker { end.keeper = parts.keeper }
        end.isKeptForSure = holding?.isHandedOver == true
        end.mayWait = isBusy
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

/// The end of a plain task.
struct Conclusion: Sendable {
    /// What it means for the tasks that follow; nil if it has not ended, and runs again elsewhere.
    var ending: TaskEnding?
    var end: TaskCompletion
}

extension TaskException {
    /// Why a task failed; what the caller gave wrong is Python's own error for that.
    fileprivate static func of(_ failure: WorkerFailure) -> TaskException {
        guard failure.code == "TypeError" else { return TaskException(failure) }
        return TaskException(type: "TypeError", arguments: [.string(failure.message)], module: "builtins")
    }
}

// Plain tasks whose callback says `retries:`.
extension CeleryWorker {
    /// Has a task that failed tried again as Celery does: first a new message of the same id, which waits for its time in the
    /// queue, then the state RETRY.
    ///
    /// - Returns: false if it is not to be tried again; its failure is still to be told.
    func retry(_ task: HeldTask, after end: RunOutcome) async -> Bool {
        guard case .outcome(.failed(let failure)) = end, isWorthIt(failure),
            task.message.retries < task.job.retries.limit
        else { return false }
        let wait = task.job.retries.wait(afterFailures: task.message.retries + 1)
        let message = task.message.again(eta: wait > .zero ? WorkerTime.now.wall + wait.wholeMilliseconds : nil)
        let isSent = await untilDone {
            try await self.parts.broker.publish(message.raw(queue: task.delivery.queue))
        }
        guard isSent else {
            self.end(task, .returned)
            return true
        }
        let (exception, trace) = (TaskException(failure), failure.trace ?? failure.message)
        let meta = meta(of: task, .retry, RawJSON(exception), traceback: trace)
        self.end(task, .acknowledged, meta) {
            .retried(id: task.id, exception: exception.repr, traceback: trace)
        }
        return true
    }

    /// Whether another attempt may go better: not with the arguments that the caller gave wrong.
    private func isWorthIt(_ failure: WorkerFailure) -> Bool {
        failure.code != "TypeError" && JobFailure(failure).allowsRetry
    }
}

// What follows a task: the next step of its chain, callbacks, errbacks, the body of its chord.
extension CeleryWorker {
    /// Tells the end of a plain task and sends what follows it: after a success before the success is stored, so that a
    /// worker that is lost between sends it twice, but none never. The message is settled when all that is done.
    func conclude(_ message: TaskMessage, _ ending: TaskEnding, _ end: TaskCompletion) async {
        guard message.hasFollowers else { return finisher.add(end) }
        var end = end
        do {
            let plan = try canvas.canvas.plan(after: message, ending, now: canvas.now())
            if case .success = ending {
                guard await untilDone({ try await self.canvas.send(plan.steps) }) else { return returnToQueue(end) }
                end.meta?.children = .array(plan.children)
                await finisher.store(end)
            } else {
                await finisher.store(end)
                guard await untilDone({ try await self.canvas.send(plan.steps) }) else { return returnToQueue(end) }
            }
            guard await untilDone({ try await self.canvas.conclude(plan) }) else { return returnToQueue(end) }
            end.meta = nil
        } catch {
            parts.logger.error(
                "What follows a task cannot be sent.",
                metadata: ["task-id": "\(message.id)", "error": "\(error)"]
            )
            if case .success = ending { end.fail(message, TaskException(error)) }
        }
        finisher.add(end)
    }

    /// Tries again until it is done.
    ///
    /// - Returns: false if the worker was to stop at once before.
    func untilDone(_ body: () async throws -> Void) async -> Bool {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        while true {
            do {
                try await body()
                return true
            } catch let error as CeleryError where error.code == .option || error.code == .malformed {
                // No time makes it better: a chord without Redis, a signature that is none.
                parts.logger.error("What follows a task cannot be sent.", metadata: ["error": "\(error)"])
                return true
            } catch {
                parts.logger.error("What follows a task could not be sent yet.", metadata: ["error": "\(error)"])
            }
            guard machine.withLock({ $0.phase != .cold }) else { return false }
            await pause(backoff.next())
        }
    }

    /// The worker stops at once: the task runs again elsewhere.
    private func returnToQueue(_ end: TaskCompletion) {
        var returned = TaskCompletion(end.delivery, .returned, number: end.number, keeper: end.keeper)
        returned.isKeptForSure = end.isKeptForSure
        finisher.add(returned)
    }
}

extension CanvasRunner {
    init(_ parts: CeleryWorkerParts, _ tasks: TaskTable) {
        var routes = TaskRoutes(ownTasks: Set(tasks.names))
        if let queue = parts.options.queues.first { routes.ownQueue = queue }
        self.init(
            canvas: Canvas(routes: routes),
            results: parts.results,
            chords: parts.chords,
            publish: { try await parts.broker.publish($0) },
            now: { WorkerTime.now.wall },
            logger: parts.logger
        )
    }
}

extension TaskMessage {
    /// Whether anything is to be sent after the task.
    var hasFollowers: Bool {
        !chain.isEmpty || !callbacks.isEmpty || !errbacks.isEmpty || chord != nil
    }
}

extension TaskCompletion {
    /// It failed after all.
    fileprivate mutating func fail(_ message: TaskMessage, _ exception: TaskException) {
        if meta != nil {
            meta = ResultMeta(message, .failure, result: RawJSON(exception), now: WorkerTime.now.wall)
        }
        event = { .failed(id: message.id, exception: exception.repr, traceback: nil) }
    }
}
