import CeleryProtocol
import DashJSON
import Jobs
import Logging
import Support

/// Sends what follows a task: the next step of its chain, callbacks, errbacks, the body of its chord.
struct FollowUps: Sendable {
    private let driver: WorkerDriver
    private let canvas: CanvasRunner

    init(_ driver: WorkerDriver, _ canvas: CanvasRunner) {
        self.driver = driver
        self.canvas = canvas
    }

    /// Reports the completion of a plain task and sends what follows it, and only then settles its message. What
    /// follows a success is sent before the success is stored, so that a worker lost in between causes duplicates, but
    /// no gap.
    func conclude(_ message: TaskMessage, _ ending: TaskEnding, _ completion: TaskCompletion) async {
        guard message.hasFollowers else { return driver.report(completion) }
        var completion = completion
        let isSuccess = if case .success = ending { true } else { false }
        do {
            let plan = try canvas.canvas.plan(after: message, ending, now: canvas.now())
            if !isSuccess { await driver.store(completion) }
            guard await untilDone({ try await canvas.send(plan.steps) }) else { return returnToQueue(completion) }
            if isSuccess {
                completion.meta?.children = .array(plan.children)
                await driver.store(completion)
            }
            guard await untilDone({ try await canvas.conclude(plan) }) else { return returnToQueue(completion) }
            completion.meta = nil
        } catch {
            driver.parts.logger.error(
                "The follow-up tasks of a task cannot be sent.",
                metadata: ["task-id": "\(message.id)", "error": "\(error)"]
            )
            if isSuccess { completion.fail(message, TaskException(error)) }
        }
        driver.report(completion)
    }

    /// Retries a body until it succeeds.
    ///
    /// - Returns: false if the worker stops at once before.
    func untilDone(_ body: () async throws -> Void) async -> Bool {
        let logger = driver.parts.logger
        let done: Void? = await retrying(first: .milliseconds(50), until: { driver.phase == .cold }) {
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
        driver.report(returned)
    }
}

extension CanvasRunner {
    init(_ parts: CeleryWorkerParts, _ tasks: TaskTable) {
        var routes = TaskRoutes(ownTasks: Set(tasks.names))
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
    var hasFollowers: Bool {
        !chain.isEmpty || !callbacks.isEmpty || !errbacks.isEmpty || chord != nil
    }
}

extension TaskCompletion {
    /// Turns it into a failure.
    fileprivate mutating func fail(_ message: TaskMessage, _ exception: TaskException) {
        if meta != nil {
            meta = ResultMeta(message, .failure, result: RawJSON(exception), now: WorkerTime.now.wall)
        }
        event = { .failed(id: message.id, exception: exception.repr, traceback: nil) }
    }
}
