import DashJSON
import Jobs
import Logging
import Synchronization

extension RecordedJobs {
    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> JobEnding {
        try await sendPending(of: attempt)
        let keys = records.settings.keys
        let named: [JobRecords.Argument] = [
            ("id", attempt.id.text), ("fence", attempt.fence), ("tag", delivery.tag), ("holders", keys.holders),
            ("unacked", keys.unacked), ("unackedIndex", keys.unackedIndex),
            ("worker", attempts.withLock { $0[attempt]?.worker } ?? ""),
        ]
        let answer = try await records.call(JobScripts.end, named + ending(of: attempt, bounded(outcome)))
        attempts.withLock { $0[attempt] = nil }
        guard let word = answer.text else { throw CeleryError(.malformed, "Redis gave no answer to the end of a job.") }
        if word == "again" {
            if outcome != .shutDown { await send(attempt.id) }
            return .again
        }
        return JobState(rawValue: word).map { .finished($0) } ?? .refused
    }

    /// The message of the next attempt. What cannot be sent now is sent by a sweep.
    private func send(_ id: JobID) async {
        do {
            try await sender?.sendIfWaiting(id)
        } catch {
            logger.warning(
                "The message of a job's next attempt could not be sent. It is tried again.",
                metadata: ["job": "\(id)", "error": "\(error)"]
            )
        }
    }

    /// A result that is too large is a failure, and none that another attempt would mend.
    private func bounded(_ outcome: WorkerOutcome) -> WorkerOutcome {
        let limit = records.settings.rules.maximumResultBytes
        guard case .succeeded(let result) = outcome, result.count > limit else { return outcome }
        let message = "The job's result has \(result.count) bytes, more than the \(limit) allowed."
        return .failed(WorkerFailure(kind: .tooLarge, code: "result", message: message))
    }

    private func ending(of attempt: JobAttempt, _ outcome: WorkerOutcome) -> [JobRecords.Argument] {
        switch outcome {
        case .succeeded(let result):
            return [
                ("outcome", "succeeded"), ("result", result),
                ("meta", meta(of: attempt, result: result)),
            ]
        case .failed(let cause):
            let failure = JobFailure(cause)
            let meta = ResultMeta(taskID: attempt.id.text, .failure, exception: TaskException(cause), now: records.now)
            return [
                ("outcome", "failed"), ("retryable", failure.allowsRetry ? 1 : 0), ("meta", meta.jsonBytes()),
            ] + failure.recordArguments
        case .cancelled: return [("outcome", "cancelled")]
        case .shutDown: return [("outcome", "shutDown")]
        }
    }

    /// What programs are told that know the job as a task: the value that the site's codec makes of the result.
    private func meta(of attempt: JobAttempt, result: [UInt8]) -> [UInt8] {
        var meta = ResultMeta(taskID: attempt.id.text, status: .success)
        meta.dateDone = ISO8601.text(records.now)
        do {
            meta.result = try codec.value(ofResult: result, of: attempt.name)
        } catch {
            logger.warning(
                "A result has no value for other programs.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
        }
        return meta.jsonBytes()
    }

    /// Told at once by the doorbell of all workers; after a mended connection those are told that were missed.
    func cancellations() async throws -> AsyncStream<JobID> {
        let messages = try await subscriber.messages(of: records.cancellations, isPattern: false)
        let (stream, feed) = AsyncStream<JobID>.makeStream()
        let listening = Task {
            for await message in messages {
                if let message {
                    if let id = JobID(String(decoding: message.payload, as: UTF8.self)) { feed.yield(id) }
                } else {
                    for id in await missed() { feed.yield(id) }
                }
            }
            feed.finish()
        }
        feed.onTermination = { _ in listening.cancel() }
        return stream
    }

    /// Jobs of this worker that were cancelled while nobody listened.
    private func missed() async -> [JobID] {
        var found: [JobID] = []
        for id in attempts.withLock({ $0.keys.map(\.id) }) {
            let state = try? await records.send(
                RedisCommand("HGET", records.settings.prefix + "job:" + id.text, "state")
            )
            if state?.text == JobState.cancelling.rawValue { found.append(id) }
        }
        return found
    }
}
