import DashJSON
import Jobs

// Plain tasks whose callback says `retries:`.
extension CeleryWorker {
    /// Has a task that failed tried again as Celery does: first a new message of the same id, which waits for its time in the
    /// queue, then the state RETRY.
    ///
    /// - Returns: false if it is not to be tried again; its failure is still to be told.
    func retry(_ task: HeldTask, after end: RunEnd) async -> Bool {
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
