import DashJSON
import Jobs
import Logging
import Support
import Synchronization

// What follows a task: the next step of its chain, callbacks, errbacks, the body of its chord.
extension CeleryWorker {
    /// Tells the end of a plain task and sends what follows it: after a success before the success is stored, so that a
    /// worker that is lost between sends it twice, but none never. The message is settled when all that is done.
    func conclude(_ message: TaskMessage, _ ending: TaskEnding, _ end: TaskEnd) async {
        guard message.hasFollowers else { return finisher.add(end) }
        var end = end
        do {
            let plan = try canvas.canvas.plan(after: message, ending, now: canvas.now())
            if case .success = ending {
                guard await untilDone({ try await self.canvas.send(plan.steps) }) else { return giveBack(end) }
                end.meta?.children = .array(plan.children)
                await finisher.store(end)
            } else {
                await finisher.store(end)
                guard await untilDone({ try await self.canvas.send(plan.steps) }) else { return giveBack(end) }
            }
            guard await untilDone({ try await self.canvas.conclude(plan) }) else { return giveBack(end) }
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
    private func giveBack(_ end: TaskEnd) {
        var returned = TaskEnd(end.delivery, .returned, number: end.number, keeper: end.keeper)
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

extension TaskEnd {
    /// It failed after all.
    fileprivate mutating func fail(_ message: TaskMessage, _ exception: TaskException) {
        if meta != nil {
            meta = ResultMeta(message, .failure, result: RawJSON(exception), now: WorkerTime.now.wall)
        }
        event = { .failed(id: message.id, exception: exception.repr, traceback: nil) }
    }
}
