import CeleryProtocol
import DashJSON
import Jobs
import Logging
import Support

/// Runs attempts of recorded jobs. The record decides whether an attempt runs, gets its changes, and is completed
/// before the message is settled.
struct JobRunner: Sendable {
    /// An attempt of a job in this worker.
    private struct Run {
        let attempt: RecordFacts
        let task: HeldTask
        let changes = ChangeFeed()

        var id: JobID { attempt.job.id }
    }

    private let worker: CeleryWorker
    private let recording: any JobRecording

    init(_ worker: CeleryWorker, _ recording: any JobRecording) {
        self.worker = worker
        self.recording = recording
    }

    // MARK: Attempts

    /// Runs an attempt if the record permits it. A dropped task is only completed.
    func run(_ task: HeldTask, _ id: JobID) async {
        let isDropped = worker.isEnding(task)
        let begun = await begin(task, id)
        guard let attempt = begun ?? nil else {
            if !isDropped { _ = worker.finish(task, .shutDown) }
            return worker.complete(task, begun == nil ? .returned : .acknowledged)
        }
        let run = Run(attempt: attempt, task: task)
        if isDropped { await complete(run, .terminated(15)) } else { await perform(run) }
    }

    /// Begins an attempt in the record, with retries; nil if the worker stops before.
    private func begin(_ task: HeldTask, _ id: JobID) async -> RecordFacts?? {
        guard worker.phase == .running else { return nil }
        return await retrying(first: .milliseconds(100), until: { worker.phase != .running }) {
            try await recording.begin(id, delivery: task.delivery, worker: worker.parts.identity)
        } onError: { error in
            log("An attempt of a job could not be started.", id, error)
        }
    }

    private func perform(_ run: Run) async {
        async let areSent = sendChanges(of: run)
        let begun = ContinuousClock.now
        let outcome = await outcome(of: run)
        run.changes.finish()
        let end = worker.finish(run.task, outcome)
        // Without its changes the attempt is not complete: the message stays unsettled, and the job runs again.
        guard await areSent else { return worker.complete(run.task, nil) }
        await complete(run, end, runtime: begun.duration(to: .now))
    }

    private func outcome(of run: Run) async -> WorkerOutcome {
        let message = run.task.message
        guard worker.mayRun(run.task) else { return .cancelled(killed: false) }
        let payload: [UInt8]
        do {
            payload = try worker.parts.codec.payload(
                of: run.attempt.job.name,
                arguments: message.arguments,
                kwargs: message.kwargs,
                extra: RawJSON(json: message.custom["dash"] ?? .null)
            )
        } catch {
            return .failed(WorkerFailure(kind: .incompatible, code: "payload", message: "\(error)"))
        }
        let work = WorkerTask(id: run.task.id, name: run.attempt.job.name, payload: payload)
        return await worker.parts.executor.execute(work) { [worker] update in
            switch update {
            case .started(let process): worker.started(run.task, process)
            case .progress(let body): run.changes.add(progress: body)
            case .setProps(let body): run.changes.add(props: body)
            }
        }
    }

    /// Sends changes as fast as the record accepts them. Changes that come meanwhile are merged.
    ///
    /// - Returns: Whether all are stored; not if the worker stops at once while the record is unreachable.
    private func sendChanges(of run: Run) async -> Bool {
        while await run.changes.wait() {
            for batch in run.changes.take() {
                let standing = await retrying(first: .milliseconds(500), until: { worker.phase == .cold }) {
                    try await recording.update(run.attempt, batch)
                } onError: { error in
                    log("The changes of a job could not be written.", run.id, error)
                }
                guard let standing else { return false }
                if standing != .current { stop(run, standing) }
            }
        }
        return true
    }

    private func stop(_ run: Run, _ standing: JobStanding) {
        worker.handle { machine, _ in machine.stop(run.task.number, because: .standing(standing)) }
    }

    // MARK: Cancellations

    /// Stops running jobs as they are cancelled.
    func observeCancellations() async {
        while !Task.isCancelled {
            do {
                try await recording.observeCancellations(of: { worker.runningJobs }) { id in
                    worker.handle { machine, _ in machine.stop(id.text, because: .standing(.cancelled)) }
                }
            } catch {
                // An attempt also learns of its cancellation at its next change.
                worker.parts.logger.warning(
                    "Not subscribed to the cancellations of jobs yet.",
                    metadata: ["error": "\(error)"]
                )
            }
            // A backoff: the subscription itself waits for a connection.
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    // MARK: Completion

    /// Writes the outcome of an attempt, with retries, and settles its message.
    private func complete(_ run: Run, _ end: RunOutcome, runtime: Duration = .zero) async {
        let (outcome, delivery) = (Self.outcome(end), worker.delivery(of: run.task))
        var ending: AttemptOutcome? = .refused
        if end != .standing(.superseded) {
            ending = await retrying(first: .milliseconds(100), until: { worker.phase == .cold }) {
                try await recording.complete(run.attempt, outcome: outcome, delivery: delivery)
            } onError: { error in
                log("The completion of a job could not be written.", run.id, error)
            }
        }
        guard let ending else { return worker.complete(run.task, nil) }
        let event = event(run, ending, outcome, end, runtime)
        if recording.settlesDeliveries, ending != .refused {
            worker.settledByRecord(run.task)
            return worker.complete(run.task, nil, event: event)
        }
        // A refused completion does not settle the message. If this worker still holds it, it is requeued, and the
        // record decides again.
        let isReturned = ending == .again && outcome == .shutDown || recording.settlesDeliveries
        worker.complete(run.task, isReturned ? .returned : .acknowledged, event: event)
    }

    private func event(
        _ run: Run,
        _ ending: AttemptOutcome,
        _ outcome: WorkerOutcome,
        _ end: RunOutcome,
        _ runtime: Duration
    ) -> (@Sendable () -> TaskEvent)? {
        guard worker.parts.events.isEnabled, ending != .refused else { return nil }
        let id = run.task.id
        switch (ending, outcome) {
        case (.again, .failed(let failure)):
            return { .retried(id: id, exception: TaskException(failure).repr, traceback: failure.trace) }
        case (.finished(.succeeded), .succeeded(let result)):
            let value = try? worker.parts.codec.value(ofResult: result, of: run.attempt.job.name)
            let text = (value ?? .null).displayText
            return { .succeeded(id: id, result: text, runtime: runtime / .seconds(1)) }
        case (.finished(.cancelled), _):
            let signal: Int32 = if case .terminated(let signal) = end { signal } else { 15 }
            return { .revoked(id: id, terminated: true, signal: signal, expired: false) }
        case (.finished, .failed(let failure)):
            return { .failed(id: id, exception: TaskException(failure).repr, traceback: failure.trace) }
        default: return nil
        }
    }

    /// The outcome as the record gets it.
    private static func outcome(_ end: RunOutcome) -> WorkerOutcome {
        switch end {
        case .outcome(let outcome): outcome
        case .softLimit(let seconds): .failed(.timedOut("SoftTimeLimitExceeded", seconds))
        case .hardLimit(let seconds): .failed(.timedOut("TimeLimitExceeded", seconds))
        case .terminated, .standing: .cancelled(killed: true)
        case .interrupted: .shutDown
        }
    }

    private func log(_ message: Logger.Message, _ id: JobID, _ error: any Error) {
        worker.parts.logger.error(message, metadata: ["job": "\(id)", "error": "\(error)"])
    }
}

extension WorkerFailure {
    fileprivate static func timedOut(_ code: String, _ seconds: Double) -> WorkerFailure {
        let message = "The job took longer than its time limit of \(seconds) seconds."
        return WorkerFailure(kind: .timedOut, code: code, message: message)
    }
}
