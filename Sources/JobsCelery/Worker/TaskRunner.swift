import CeleryProtocol
import DashJSON
import Jobs
import Logging
import RedisClient
import Support

/// Runs plain tasks, which have no record and which any program may send, reports their outcomes, and sends what
/// follows them: the next step of a chain, callbacks, errbacks, the body of a chord.
struct TaskRunner: Sendable {
    /// The completion of a task, and what it means for the tasks that follow: nil if it did not complete and is
    /// requeued.
    private typealias Conclusion = (ending: TaskEnding?, completion: TaskCompletion)

    private let worker: CeleryWorker

    init(_ worker: CeleryWorker) {
        self.worker = worker
    }

    // MARK: Runs

    /// Runs a task that just got a slot. Does not suspend, unless something has to be read from Redis first.
    func begin(_ task: HeldTask) {
        guard task.delivery.isRedelivered else { return submit(task) }
        worker.perform { await self.beginAgain(task) }
    }

    private func submit(_ task: HeldTask) {
        let begun = ContinuousClock.now
        let end: @Sendable (WorkerOutcome) -> Void = { outcome in
            // A run that ends within this call must not start the next task from there.
            guard worker.isInEventLoop, case .succeeded = outcome else {
                return worker.execute { ended(task, outcome, begun) }
            }
            ended(task, outcome, begun)
        }
        guard worker.mayRun(task) else { return end(.cancelled(killed: false)) }
        do {
            let (work, executor) = (try self.work(of: task), worker.parts.executor)
            guard let pool = worker.parts.pool else {
                return worker.perform { end(await executor.execute(work) { received($0, from: task) }) }
            }
            pool.submit(work, onUpdate: { received($0, from: task) }, onEnd: end)
        } catch {
            end(.failed(WorkerFailure(kind: .error, code: "TypeError", message: "\(error)")))
        }
    }

    private func ended(_ task: HeldTask, _ outcome: WorkerOutcome, _ begun: ContinuousClock.Instant) {
        let end = worker.finish(task, outcome)
        let runtime = begun.duration(to: .now)
        // Retries and follow-up tasks have to be published, which takes time.
        guard case .outcome(.succeeded) = end, !task.message.hasFollowers, !task.delivery.isRedelivered else {
            return worker.perform { await conclude(task, end, runtime) }
        }
        worker.report(conclusion(of: task, end, runtime).completion)
    }

    private func work(of task: HeldTask) throws -> WorkerTask {
        let payload = try worker.parts.codec.payload(
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
            worker.started(task, process)
            guard worker.parts.options.tracksStarted else { return }
            let result: JSON = ["pid": .int(Int(process)), "hostname": .string(worker.parts.identity.node)]
            report(.started, RawJSON(json: result), of: task)
        case .progress(let body): report(.progress, TaskProgress.meta(body), of: task)
        case .setProps: break  // There is no page.
        }
    }

    /// Reports the state of a running task.
    private func report(_ state: TaskState, _ result: RawJSON, of task: HeldTask) {
        worker.report(TaskCompletion(task.delivery, nil, meta: meta(of: task, state, result)))
    }

    // MARK: Conclusions

    /// Reports that a task is not run.
    func drop(_ task: HeldTask, _ reason: DropReason) async {
        await conclude(task.message, revocation(of: task, reason.rawValue))
    }

    /// Reports how a run ended, or retries the task.
    private func conclude(_ task: HeldTask, _ end: RunOutcome, _ runtime: Duration) async {
        if task.delivery.isRedelivered { await forgetLosses(of: task) }
        if case .outcome(.failed(let failure)) = end, mayRetry(task, after: failure) {
            return await retry(task, after: failure)
        }
        await conclude(task.message, conclusion(of: task, end, runtime))
    }

    private func conclusion(of task: HeldTask, _ end: RunOutcome, _ runtime: Duration) -> Conclusion {
        switch end {
        case .outcome(.succeeded(let result)): success(of: task, result, runtime)
        case .outcome(.failed(let reason)): failure(of: task, .of(reason), reason.trace ?? reason.message)
        case .softLimit: failure(of: task, .softTimeLimitExceeded, "The soft time limit was exceeded.")
        case .hardLimit(let seconds): failure(of: task, .timeLimitExceeded(seconds), "The task was killed.")
        case .terminated(let signal): revocation(of: task, "terminated", signal: signal)
        case .interrupted, .standing, .outcome: (nil, worker.completion(of: task, .returned))
        }
    }

    private func success(of task: HeldTask, _ result: [UInt8], _ runtime: Duration) -> Conclusion {
        let value: RawJSON
        do {
            value = try worker.parts.codec.value(ofResult: result, of: task.job.name)
        } catch {
            return failure(of: task, .swift(error), "The result has no value that can be sent.")
        }
        let completion = worker.completion(of: task, .acknowledged, meta(of: task, .success, value)) {
            .succeeded(id: task.id, result: value.displayText, runtime: runtime / .seconds(1))
        }
        return (.success(value), completion)
    }

    private func failure(of task: HeldTask, _ exception: TaskException, _ trace: String?) -> Conclusion {
        let meta = meta(of: task, .failure, RawJSON(exception), trace)
        let completion = worker.completion(of: task, .acknowledged, meta) {
            .failed(id: task.id, exception: exception.repr, traceback: trace)
        }
        return (.failure(exception, traceback: trace), completion)
    }

    private func revocation(of task: HeldTask, _ reason: String, signal: Int32? = nil) -> Conclusion {
        let exception = TaskException.revoked(reason)
        let meta = meta(of: task, .revoked, RawJSON(exception))
        let completion = worker.completion(of: task, .acknowledged, meta) {
            .revoked(id: task.id, terminated: signal != nil, signal: signal, expired: reason == "expired")
        }
        return (.revoked(exception), completion)
    }

    /// What is stored of a task; nil if the message asks for no result.
    private func meta(of task: HeldTask, _ state: TaskState, _ result: RawJSON, _ trace: String? = nil) -> ResultMeta? {
        guard task.message.ignoresResult != true else { return nil }
        return ResultMeta(task.message, state, result: result, traceback: trace, now: WorkerTime.now.wall)
    }

    // MARK: What follows

    /// Reports the completion of a plain task and sends what follows it, and only then settles its message. What
    /// follows a success is sent before the success is stored, so that a worker lost in between causes duplicates, but
    /// no gap.
    private func conclude(_ message: TaskMessage, _ conclusion: Conclusion) async {
        var completion = conclusion.completion
        guard let ending = conclusion.ending, message.hasFollowers else { return worker.report(completion) }
        let canvas = worker.canvas
        let isSuccess = if case .success = ending { true } else { false }
        do {
            let plan = try canvas.canvas.plan(after: message, ending, now: canvas.now())
            if !isSuccess { await worker.store(completion) }
            guard await untilDone({ try await canvas.send(plan.steps) }) else { return returnToQueue(completion) }
            if isSuccess {
                completion.meta?.children = .array(plan.children)
                await worker.store(completion)
            }
            guard await untilDone({ try await canvas.conclude(plan) }) else { return returnToQueue(completion) }
            completion.meta = nil
        } catch {
            worker.parts.logger.error(
                "The follow-up tasks of a task cannot be sent.",
                metadata: ["task-id": "\(message.id)", "error": "\(error)"]
            )
            if isSuccess { completion.fail(message.id, message, TaskException(error)) }
        }
        worker.report(completion)
    }

    /// Retries a body until it succeeds.
    ///
    /// - Returns: false if the worker stops at once before.
    private func untilDone(_ body: () async throws -> Void) async -> Bool {
        let logger = worker.parts.logger
        let done: Void? = await retrying(first: .milliseconds(50), until: { worker.phase == .cold }) {
            do {
                try await body()
            } catch let error as CeleryError where error.code == .option || error.code == .malformed {
                // Retries do not help: a chord without Redis, an invalid signature.
                logger.error("The follow-up tasks of a task cannot be sent.", metadata: ["error": "\(error)"])
            }
        } onError: { error in
            logger.error("The follow-up tasks of a task could not be sent yet.", metadata: ["error": "\(error)"])
        }
        return done != nil
    }

    /// The worker stops at once: the task runs again elsewhere.
    private func returnToQueue(_ completion: TaskCompletion) {
        var returned = completion
        (returned.settlement, returned.meta, returned.event, returned.mayWait) = (.returned, nil, nil, false)
        worker.report(returned)
    }

    // MARK: Retries

    /// Whether the callback declares `retries:` for this failure. Not with invalid arguments, which stay the same.
    private func mayRetry(_ task: HeldTask, after failure: WorkerFailure) -> Bool {
        failure.code != "TypeError" && failure.allowsRetry
            && task.message.retries < task.job.retries.limit
    }

    /// Retries a failed task as Celery does: first publishes a message of the same id with an eta, then stores the
    /// state RETRY.
    private func retry(_ task: HeldTask, after failure: WorkerFailure) async {
        let wait = task.job.retries.wait(afterFailures: task.message.retries + 1)
        let message = task.message.again(eta: wait > .zero ? WorkerTime.now.wall + wait.wholeMilliseconds : nil)
        let isSent = await untilDone { try await worker.parts.broker.publish(message.raw(queue: task.delivery.queue)) }
        guard isSent else { return worker.complete(task, .returned) }
        let (exception, trace) = (TaskException(failure), failure.trace ?? failure.message)
        worker.complete(task, .acknowledged, meta(of: task, .retry, RawJSON(exception), trace)) {
            .retried(id: task.id, exception: exception.repr, traceback: trace)
        }
    }

    // MARK: Losses

    /// After the loss of this many workers a task is quarantined: it fails without another attempt.
    private static let maximumLosses = 3

    /// Runs a redelivered task, or fails it if its earlier attempts lost their workers.
    private func beginAgain(_ task: HeldTask) async {
        let losses = await losses(of: task)
        guard losses >= Self.maximumLosses else { return submit(task) }
        _ = worker.finish(task, .shutDown)
        await forgetLosses(of: task)
        let reason = "the task was started \(losses) times, and each time its worker was lost."
        var conclusion = failure(of: task, .workerLost(reason), nil)
        conclusion.completion.settlement = .rejected
        await conclude(task.message, conclusion)
    }

    /// How many earlier attempts of a task lost their worker; counts this attempt as well. Redis counts, as the worker
    /// may not survive the attempt.
    private func losses(of task: HeldTask) async -> Int {
        guard let redis = worker.parts.redis else { return 0 }
        let key = Self.lossKey(of: task)
        do {
            let answers = try await redis.send([RedisCommand("INCR", key), RedisCommand("EXPIRE", key, 86_400)])
            if case .integer(let count)? = answers.first { return count }
        } catch {
            worker.parts.logger.warning(
                "The lost attempts of a task could not be counted.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
        }
        return 1
    }

    private func forgetLosses(of task: HeldTask) async {
        guard let redis = worker.parts.redis else { return }
        // After a failure the key expires within a day.
        _ = try? await redis.send([RedisCommand("DEL", Self.lossKey(of: task))])
    }

    private static func lossKey(of task: HeldTask) -> String { "dash:begun:\(task.id)" }

    // MARK: Refusals

    /// Rejects a message that cannot be run here, and reports the reason to its sender.
    ///
    /// - Parameters:
    ///   - id: The task's id; nil if it could not be read.
    ///   - message: Nil if it could not be read.
    func refuse(_ delivery: Delivery, _ id: String?, _ message: TaskMessage?, _ exception: TaskException) async {
        worker.parts.logger.warning(
            "A message was refused: \(exception.repr)",
            metadata: ["task-id": "\(id ?? "unknown")", "queue": "\(delivery.queue)"]
        )
        var completion = TaskCompletion(delivery, .rejected)
        if let id {
            completion.fail(id, message, exception)
            completion.meta?.replyTo = delivery.task.replyTo
        }
        guard let message else { return worker.report(completion) }
        await conclude(message, (.failure(exception, traceback: nil), completion))
    }
}

extension CanvasRunner {
    init(_ parts: CeleryWorkerParts) {
        var routes = TaskRoutes(ownTasks: Set(parts.jobs.map(\.taskName)))
        if let queue = parts.options.queues.first { routes.ownQueue = queue }
        self.init(
            canvas: Canvas(routes: routes),
            results: parts.results,
            publish: { try await parts.broker.publish($0) },
            now: { WorkerTime.now.wall },
            logger: parts.logger
        )
    }
}

extension TaskMessage {
    /// Whether anything is to be sent after the task.
    fileprivate var hasFollowers: Bool {
        !chain.isEmpty || !callbacks.isEmpty || !errbacks.isEmpty || chord != nil
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
