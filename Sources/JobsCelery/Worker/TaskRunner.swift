import CeleryProtocol
import DashJSON
import Jobs
import Logging
import NIOCore
import RedisClient
import Support

/// Runs plain tasks, which have no record and which any program may send, and reports their outcomes.
struct TaskRunner: Sendable {
    /// The completion of a task, and what it means for the tasks that follow.
    private struct Conclusion {
        /// Nil if the task did not complete and is requeued.
        var ending: TaskEnding?
        var completion: TaskCompletion
    }

    private let driver: WorkerDriver

    init(_ driver: WorkerDriver) {
        self.driver = driver
    }

    // MARK: Runs

    /// Runs a task that has a slot, to its completion.
    func run(_ task: HeldTask) async {
        let losses = await losses(of: task)
        guard losses < driver.parts.settings.maximumLosses else { return await quarantine(task, losses) }
        let begun = ContinuousClock.now
        let outcome = await outcome(of: task)
        let end = driver.finish(task, outcome)
        if losses > 0 { await forgetLosses(of: task) }
        await conclude(task, end, begun.duration(to: .now))
    }

    private func outcome(of task: HeldTask) async -> WorkerOutcome {
        guard driver.mayRun(task) else { return .cancelled(killed: false) }
        do {
            return await driver.parts.executor.execute(try work(of: task)) { self.received($0, from: task) }
        } catch {
            return .failed(WorkerFailure(kind: .error, code: "TypeError", message: "\(error)"))
        }
    }

    /// Submits a task that just got a slot to the pool without suspending, unless something has to be read from Redis
    /// first.
    ///
    /// - Returns: whether the task was submitted.
    func submit(_ task: HeldTask) -> Bool {
        guard let pool = driver.parts.pool, task.record == nil, !task.delivery.isRedelivered,
            let work = try? work(of: task)
        else { return false }
        let begun = ContinuousClock.now
        pool.submit(work) {
            self.received($0, from: task)
        } onEnd: { outcome in
            // A run that ends within `submit` must not start the next task from there.
            guard driver.isInEventLoop, case .succeeded = outcome else {
                return driver.execute { self.ended(task, outcome, begun) }
            }
            self.ended(task, outcome, begun)
        }
        return true
    }

    private func ended(_ task: HeldTask, _ outcome: WorkerOutcome, _ begun: ContinuousClock.Instant) {
        let end = driver.finish(task, outcome)
        let runtime = begun.duration(to: .now)
        // Retries and follow-up tasks have to be published, which takes time.
        guard case .outcome(.succeeded) = end, !task.message.hasFollowers else {
            return driver.add(.conclude(task, end, runtime))
        }
        driver.report(conclusion(of: task, end, runtime).completion)
    }

    private func work(of task: HeldTask) throws -> WorkerTask {
        let payload = try driver.parts.codec.payload(
            of: task.job.name,
            arguments: TypedJSON.plain(task.message.arguments),
            kwargs: TypedJSON.plain(task.message.kwargs),
            extra: nil
        )
        return WorkerTask(id: task.id, name: task.job.name, payload: payload)
    }

    private func received(_ update: WorkerUpdate, from task: HeldTask) {
        switch update {
        case .started(let process):
            driver.started(task, process)
            guard driver.parts.options.tracksStarted else { return }
            let result: JSON = ["pid": .int(Int(process)), "hostname": .string(driver.parts.identity.node)]
            report(.started, RawJSON(json: result), of: task)
        case .progress(let body): report(.progress, TaskProgress.meta(body), of: task)
        case .setProps: break  // There is no page.
        }
    }

    /// Reports the state of a running task.
    private func report(_ state: TaskState, _ result: RawJSON, of task: HeldTask) {
        driver.report(TaskCompletion(task.delivery, nil, meta: meta(of: task, state, result)))
    }

    // MARK: Conclusions

    /// Reports how a run ended, or retries the task.
    func conclude(_ task: HeldTask, _ end: RunOutcome, _ runtime: Duration) async {
        if await retry(task, after: end) { return }
        await conclude(task, conclusion(of: task, end, runtime))
    }

    /// Reports that a task is not run.
    func drop(_ task: HeldTask, _ reason: DropReason) async {
        await conclude(task, revocation(of: task, reason == .expired ? "expired" : "revoked"))
    }

    private func conclude(_ task: HeldTask, _ conclusion: Conclusion) async {
        guard let ending = conclusion.ending else { return driver.report(conclusion.completion) }
        await driver.followUps.conclude(task.message, ending, conclusion.completion)
    }

    private func conclusion(of task: HeldTask, _ end: RunOutcome, _ runtime: Duration) -> Conclusion {
        switch end {
        case .outcome(.succeeded(let result)): success(of: task, result, runtime)
        case .outcome(.failed(let reason)): failure(of: task, .of(reason), reason.trace ?? reason.message)
        case .softLimit: failure(of: task, .softTimeLimitExceeded, "The soft time limit was exceeded.")
        case .hardLimit(let seconds): failure(of: task, .timeLimitExceeded(seconds), "The task was killed.")
        case .terminated(let signal): revocation(of: task, "terminated", signal: signal)
        case .interrupted, .standing, .outcome:
            Conclusion(ending: nil, completion: driver.completion(of: task, .returned))
        }
    }

    private func success(of task: HeldTask, _ result: [UInt8], _ runtime: Duration) -> Conclusion {
        let value: RawJSON
        do {
            value = try driver.parts.codec.value(ofResult: result, of: task.job.name)
        } catch {
            return failure(of: task, .swift(error), "The result has no value that can be sent.")
        }
        return conclusion(of: task, .success(value), .success, value) {
            .succeeded(id: task.id, result: value.displayText, runtime: runtime / .seconds(1))
        }
    }

    private func failure(
        of task: HeldTask,
        _ exception: TaskException,
        _ trace: String?,
        _ settlement: Settlement = .acknowledged
    ) -> Conclusion {
        let ending = TaskEnding.failure(exception, traceback: trace)
        return conclusion(of: task, ending, .failure, RawJSON(exception), trace, settlement) {
            .failed(id: task.id, exception: exception.repr, traceback: trace)
        }
    }

    private func revocation(of task: HeldTask, _ reason: String, signal: Int32? = nil) -> Conclusion {
        let exception = TaskException.revoked(reason)
        return conclusion(of: task, .revoked(exception), .revoked, RawJSON(exception)) {
            .revoked(id: task.id, terminated: signal != nil, signal: signal, expired: reason == "expired")
        }
    }

    private func conclusion(
        of task: HeldTask,
        _ ending: TaskEnding,
        _ state: TaskState,
        _ result: RawJSON,
        _ traceback: String? = nil,
        _ settlement: Settlement = .acknowledged,
        event: @escaping @Sendable () -> TaskEvent
    ) -> Conclusion {
        let meta = meta(of: task, state, result, traceback)
        return Conclusion(ending: ending, completion: driver.completion(of: task, settlement, meta, event: event))
    }

    /// What is stored of a task; nil if the message asks for no result.
    private func meta(
        of task: HeldTask,
        _ state: TaskState,
        _ result: RawJSON,
        _ traceback: String? = nil
    ) -> ResultMeta? {
        guard task.message.ignoresResult != true else { return nil }
        return ResultMeta(task.message, state, result: result, traceback: traceback, now: WorkerTime.now.wall)
    }

    // MARK: Retries

    /// Retries a failed task whose callback declares `retries:`, as Celery does: first publishes a message of the same
    /// id with an eta, then stores the state RETRY.
    ///
    /// - Returns: false if the task is not retried and its outcome is still to be reported.
    private func retry(_ task: HeldTask, after end: RunOutcome) async -> Bool {
        guard case .outcome(.failed(let failure)) = end, isRetriable(failure),
            task.message.retries < task.job.retries.limit
        else { return false }
        let wait = task.job.retries.wait(afterFailures: task.message.retries + 1)
        let message = task.message.again(eta: wait > .zero ? WorkerTime.now.wall + wait.wholeMilliseconds : nil)
        let isSent = await driver.followUps.untilDone {
            try await driver.parts.broker.publish(message.raw(queue: task.delivery.queue))
        }
        guard isSent else {
            driver.complete(task, .returned)
            return true
        }
        let (exception, trace) = (TaskException(failure), failure.trace ?? failure.message)
        driver.complete(task, .acknowledged, meta(of: task, .retry, RawJSON(exception), trace)) {
            .retried(id: task.id, exception: exception.repr, traceback: trace)
        }
        return true
    }

    /// Not with invalid arguments, which stay the same.
    private func isRetriable(_ failure: WorkerFailure) -> Bool {
        failure.code != "TypeError" && failure.allowsRetry
    }

    // MARK: Losses

    /// Fails a task whose earlier attempts lost their workers, without another attempt.
    private func quarantine(_ task: HeldTask, _ losses: Int) async {
        _ = driver.finish(task, .shutDown)
        await forgetLosses(of: task)
        let reason = "the task was started \(losses) times, and each time its worker was lost."
        await conclude(task, failure(of: task, .workerLost(reason), nil, .rejected))
    }

    /// How many earlier attempts of a task lost their worker; counts this attempt as well. Redis counts, as the worker
    /// may not survive the attempt.
    private func losses(of task: HeldTask) async -> Int {
        guard task.delivery.isRedelivered, let redis = driver.parts.redis else { return 0 }
        let key = Self.lossKey(of: task)
        do {
            let answers = try await redis.send([RedisCommand("INCR", key), RedisCommand("EXPIRE", key, 86_400)])
            if case .integer(let count)? = answers.first { return count }
        } catch {
            driver.parts.logger.warning(
                "The lost attempts of a task could not be counted.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
        }
        return 1
    }

    private func forgetLosses(of task: HeldTask) async {
        guard let redis = driver.parts.redis else { return }
        // After a failure the key expires within a day.
        _ = try? await redis.send([RedisCommand("DEL", Self.lossKey(of: task))])
    }

    private static func lossKey(of task: HeldTask) -> String { "dash:begun:\(task.id)" }

    // MARK: Refusals

    /// Rejects a message and reports the reason to its sender.
    func refuse(_ refused: RefusedTask) async {
        let delivery = refused.delivery
        driver.parts.logger.warning(
            "A message was refused: \(refused.exception.repr)",
            metadata: ["task-id": "\(refused.id ?? "unknown")", "queue": "\(delivery.queue)"]
        )
        var completion = TaskCompletion(delivery, .rejected)
        if let id = refused.id {
            if refused.message?.ignoresResult != true {
                let now = WorkerTime.now.wall
                completion.meta = ResultMeta(taskID: id, .failure, exception: refused.exception, now: now)
                completion.meta?.replyTo = delivery.task.replyTo
                completion.meta?.groupID = refused.message?.group
                completion.meta?.parentID = refused.message?.parentID
            }
            completion.event = { .failed(id: id, exception: refused.exception.repr, traceback: nil) }
        }
        guard let message = refused.message else { return driver.report(completion) }
        await driver.followUps.conclude(message, .failure(refused.exception, traceback: nil), completion)
    }
}

extension TaskException {
    /// Why a task failed. Invalid arguments are a `TypeError`, as in Python.
    fileprivate static func of(_ failure: WorkerFailure) -> TaskException {
        guard failure.code == "TypeError" else { return TaskException(failure) }
        return TaskException(type: "TypeError", arguments: [.string(failure.message)], module: "builtins")
    }

    /// The exception of a failed job or task. The worker itself reports time limits of tasks.
    init(_ failure: JobFailure) {
        switch failure.kind {
        case .crash: self = .workerLost(failure.message)
        case .lost:
            let arguments: [JSON] = [.string(failure.message)]
            self.init(type: "WorkerLostError", arguments: arguments, module: "billiard.exceptions")
        case .error, .incompatible: self = .swift(failure.code, failure.message)
        case .tooLarge where failure.code == "changes": self = .swift(failure.code, failure.message)
        default: self = .swift("WorkerFailure", failure.message)
        }
    }
}
