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
        let attempt: JobAttempt
        let task: HeldTask
        let changes = ChangeFeed()
    }

    private let driver: CeleryWorker
    private let recording: any JobRecording

    init(_ driver: CeleryWorker, _ recording: any JobRecording) {
        self.driver = driver
        self.recording = recording
    }

    // MARK: Attempts

    /// Runs an attempt if the record permits it. A dropped task is only completed.
    func run(_ task: HeldTask, _ id: JobID) async {
        let isDropped = driver.isEnding(task)
        let beginning = await begin(task, id)
        if case .run(let attempt)? = beginning {
            let run = Run(attempt: attempt, task: task)
            if isDropped { return await complete(run, .cancelled(killed: false), .terminated(15)) }
            return await perform(run)
        }
        if !isDropped { _ = driver.finish(task, .shutDown) }
        driver.complete(task, beginning == nil ? .returned : .acknowledged)
    }

    /// Begins an attempt in the record, with retries; nil if the worker stops before.
    private func begin(_ task: HeldTask, _ id: JobID) async -> JobBeginning? {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(2))
        while driver.phase == .running {
            do {
                return try await recording.begin(id, delivery: task.delivery, worker: driver.parts.identity)
            } catch {
                log("An attempt of a job could not be started.", id, error)
            }
            await pause(backoff.next())
        }
        return nil
    }

    private func perform(_ run: Run) async {
        async let sending: Void = sendChanges(of: run)
        let begun = ContinuousClock.now
        let outcome = await outcome(of: run)
        run.changes.finish()
        let end = driver.finish(run.task, outcome)
        await sending
        await complete(run, Self.outcome(end), end, runtime: begun.duration(to: .now))
    }

    private func outcome(of run: Run) async -> WorkerOutcome {
        let message = run.task.message
        guard driver.mayRun(run.task) else { return .cancelled(killed: false) }
        let payload: [UInt8]
        do {
            payload = try driver.parts.codec.payload(
                of: run.attempt.name,
                arguments: message.arguments,
                kwargs: message.kwargs,
                extra: RawJSON(json: message.custom["dash"] ?? .null)
            )
        } catch {
            return .failed(WorkerFailure(kind: .incompatible, code: "payload", message: "\(error)"))
        }
        let work = WorkerTask(id: run.task.id, name: run.attempt.name, payload: payload)
        return await driver.parts.executor.execute(work) { update in
            switch update {
            case .started(let process): driver.started(run.task, process)
            case .progress(let body): run.changes.add(progress: body)
            case .setProps(let body): run.changes.add(props: body)
            }
        }
    }

    /// Sends changes as fast as the record accepts them. Changes that come meanwhile are merged.
    private func sendChanges(of run: Run) async {
        while await run.changes.wait() {
            while let batch = run.changes.take() {
                do {
                    let standing = try await recording.update(
                        run.attempt,
                        progress: batch.progress.values,
                        props: batch.props.values
                    )
                    if standing != .current { stop(run, standing) }
                } catch {
                    log("The changes of a job could not be written.", run.attempt.id, error)
                    run.changes.putBack(batch)
                    guard driver.phase != .cold else { return }
                    await pause(.milliseconds(500))
                }
            }
        }
    }

    private func stop(_ run: Run, _ standing: JobStanding) {
        driver.handle { machine, _ in machine.stop(run.task.number, because: .standing(standing)) }
    }

    // MARK: Cancellations

    /// Stops running jobs as they are cancelled.
    func observeCancellations() async {
        while !Task.isCancelled {
            do {
                for await id in try await recording.cancellations() {
                    driver.handle { machine, _ in machine.stop(id.text, because: .standing(.cancelled)) }
                }
            } catch {
                // An attempt also learns of its cancellation at its next change.
                driver.parts.logger.warning(
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
    private func complete(
        _ run: Run,
        _ outcome: WorkerOutcome,
        _ end: RunOutcome,
        runtime: Duration = .zero
    ) async {
        guard end != .standing(.superseded) else { return settle(run, .refused, outcome, nil) }
        let delivery = driver.delivery(of: run.task)
        let ending = await retrying(first: .milliseconds(100), until: { driver.phase == .cold }) {
            try await recording.complete(run.attempt, outcome: outcome, delivery: delivery)
        } onError: { error in
            log("The completion of a job could not be written.", run.attempt.id, error)
        }
        settle(run, ending, outcome, ending.flatMap { event(run, $0, outcome, end, runtime) })
    }

    private func settle(
        _ run: Run,
        _ ending: AttemptOutcome?,
        _ outcome: WorkerOutcome,
        _ event: (@Sendable () -> TaskEvent)?
    ) {
        guard let ending else { return driver.complete(run.task, nil) }
        if recording.settlesDeliveries, ending != .refused {
            driver.settledByRecord(run.task)
            return driver.complete(run.task, nil, event: event)
        }
        // A refused completion does not settle the message. If this worker still holds it, it is requeued, and the
        // record decides again.
        let isReturned = ending == .again && outcome == .shutDown || recording.settlesDeliveries
        driver.complete(run.task, isReturned ? .returned : .acknowledged, event: event)
    }

    private func event(
        _ run: Run,
        _ ending: AttemptOutcome,
        _ outcome: WorkerOutcome,
        _ end: RunOutcome,
        _ runtime: Duration
    ) -> (@Sendable () -> TaskEvent)? {
        guard driver.parts.events.isEnabled, ending != .refused else { return nil }
        let id = run.task.id
        switch (ending, outcome) {
        case (.again, .failed(let failure)):
            let exception = TaskException(failure).repr
            return { .retried(id: id, exception: exception, traceback: failure.trace) }
        case (.finished(.succeeded), .succeeded(let result)):
            let value = try? driver.parts.codec.value(ofResult: result, of: run.attempt.name)
            let text = (value ?? .null).displayText
            return { .succeeded(id: id, result: text, runtime: runtime / .seconds(1)) }
        case (.finished(.cancelled), _):
            let signal: Int32 = if case .terminated(let signal) = end { signal } else { 15 }
            return { .revoked(id: id, terminated: true, signal: signal, expired: false) }
        case (.finished, .failed(let failure)):
            let exception = TaskException(failure).repr
            return { .failed(id: id, exception: exception, traceback: failure.trace) }
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
        driver.parts.logger.error(message, metadata: ["job": "\(id)", "error": "\(error)"])
    }
}

extension WorkerFailure {
    fileprivate static func timedOut(_ code: String, _ seconds: Double) -> WorkerFailure {
        WorkerFailure(
            kind: .timedOut,
            code: code,
            message: "The job took longer than its time limit of \(seconds) seconds."
        )
    }
}
