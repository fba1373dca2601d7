import DashJSON
package import Jobs
import Testing

/// The life cycle of a job as a table of states, events and resulting states. The rules and every manager are checked
/// against it.
package struct TransitionRow: Sendable, CustomTestStringConvertible {
    /// The state before the event.
    package enum Given: String, Sendable {
        case queued, scheduled, running, cancelling, succeeded
    }

    /// The event.
    package enum Event: Sendable {
        /// The attempt ends.
        case ends(WorkerOutcome)
        /// The attempt exceeds the limit of changes and is stopped.
        case sendsTooMuch
        case isCancelled
        /// The due time of the next attempt passes.
        case isDue
        /// No page polls the job for the configured time.
        case isNotAskedFor
    }

    /// The state before the event.
    package var given: Given
    /// The retry policy.
    package var retries = RetryPolicy.none
    /// The event.
    package var event: Event
    /// The state after the event.
    package var state: JobState
    /// The kind of the failure, if any.
    package var failure: JobFailure.Kind?
    private var words: String

    /// A description of the row.
    package var testDescription: String { "\(given.rawValue), \(words): \(state)" }

    private init(
        _ given: Given,
        _ words: String,
        _ event: Event,
        _ state: JobState,
        _ failure: JobFailure.Kind? = nil,
        retries: RetryPolicy = .none
    ) {
        (self.given, self.words, self.event) = (given, words, event)
        (self.state, self.failure, self.retries) = (state, failure, retries)
    }

    /// The maximum size of a result, in bytes.
    package static let maximumResultBytes = 100
    /// The maximum size of a job's changes, in bytes.
    package static let maximumChangesBytes = 1000

    private static let later = RetryPolicy.upTo(1, backoff: .constant(.seconds(10)))
    private static let atOnce = RetryPolicy.upTo(1, backoff: .constant(.zero))
    private static let large = [UInt8](repeating: UInt8(ascii: "1"), count: maximumResultBytes + 1)

    private static func failed(_ kind: WorkerFailure.Kind) -> Event {
        .ends(.failed(WorkerFailure(kind: kind, code: "Test", message: "It broke.")))
    }

    /// All rows.
    package static let all = [
        TransitionRow(.running, "it succeeds", .ends(.succeeded([49])), .succeeded),
        TransitionRow(.running, "its result is too large", .ends(.succeeded(large)), .failed, .tooLarge),
        TransitionRow(
            .running,
            "too large a result is not retried",
            .ends(.succeeded(large)),
            .failed,
            .tooLarge,
            retries: atOnce
        ),
        TransitionRow(.running, "it sends too much", .sendsTooMuch, .failed, .tooLarge),
        TransitionRow(.running, "too much is not retried", .sendsTooMuch, .failed, .tooLarge, retries: atOnce),
        TransitionRow(.running, "it throws", failed(.error), .failed, .error),
        TransitionRow(.running, "it crashes", failed(.crash), .failed, .crash),
        TransitionRow(.running, "its time limit passes", failed(.timedOut), .timedOut, .timedOut),
        TransitionRow(.running, "it throws, and is retried later", failed(.error), .scheduled, retries: later),
        TransitionRow(.running, "it crashes, and is retried later", failed(.crash), .scheduled, retries: later),
        TransitionRow(.running, "a time limit is not retried", failed(.timedOut), .timedOut, .timedOut, retries: later),
        TransitionRow(.running, "it is cancelled", .isCancelled, .cancelling),
        TransitionRow(.running, "its task was cancelled", .ends(.cancelled(killed: false)), .cancelled),
        TransitionRow(.running, "it is not polled", .isNotAskedFor, .running),
        TransitionRow(.cancelling, "it succeeds anyway", .ends(.succeeded([49])), .cancelled),
        TransitionRow(.cancelling, "it throws", failed(.error), .cancelled, retries: later),
        TransitionRow(.cancelling, "its process is killed", .ends(.cancelled(killed: true)), .cancelled),
        TransitionRow(.cancelling, "it is cancelled again", .isCancelled, .cancelling),
        TransitionRow(.queued, "it is cancelled", .isCancelled, .cancelled),
        TransitionRow(.queued, "it is not polled", .isNotAskedFor, .cancelled),
        TransitionRow(.scheduled, "it is cancelled", .isCancelled, .cancelled, retries: later),
        TransitionRow(.scheduled, "its time has come", .isDue, .running, retries: later),
        TransitionRow(.succeeded, "it is cancelled", .isCancelled, .succeeded),
    ]
}

// Against the rules.
extension TransitionRow {
    /// The resulting state and failure by the rules.
    package func followedByRules() -> (JobState, JobFailure.Kind?) {
        var limits = JobManagerConfiguration()
        (limits.maximumResultBytes, limits.maximumChangesBytes) = (Self.maximumResultBytes, Self.maximumChangesBytes)
        let rules = JobRules(limits)
        var job = JobFacts(JobRequest(name: "a", retries: retries))
        job.state = JobState(rawValue: given.rawValue) ?? .queued
        (job.attempt, job.fence) = (1, "1")
        let transition: JobTransition?
        switch event {
        case .ends(let outcome): transition = rules.complete(job, outcome)
        case .sendsTooMuch:
            guard
                case .stopAttempt(let failure)? = rules.overflow(job, bytes: Self.maximumChangesBytes + 1)?.changes
                    .first
            else { return (job.state, nil) }
            job.stop = failure
            transition = rules.complete(job, .cancelled(killed: true))
        case .isCancelled: transition = rules.cancel(job, reason: "x")
        case .isDue:
            guard let due = rules.becomeDue(job) else { return (job.state, nil) }
            job.state = due.state ?? job.state
            transition = rules.begin(job, fence: "2", version: .any)
        case .isNotAskedFor: transition = rules.abandon(job)
        }
        return (transition?.state ?? job.state, transition?.end?.failure?.kind)
    }
}

// Against a manager.
extension JobManagerConformance {
    static var transitionChecks: [Check] {
        TransitionRow.all.map { row in Check("a job that is \(row.testDescription)") { try await $0.follow(row) } }
    }

    private func follow(_ row: TransitionRow) async throws {
        try await withManager(maximumConcurrency: 1) {
            ($0.maximumResultBytes, $0.maximumChangesBytes) =
                (TransitionRow.maximumResultBytes, TransitionRow.maximumChangesBytes)
        } _: { manager, executor in
            // A cancelled task continues until its run ends below.
            executor.ignoreCancellation()
            let (id, run) = try await reach(row, manager, executor)
            defer { executor.endAll() }
            try await happen(row.event, id, run, manager, executor)
            let news = try await until(row.state, id, manager)
            #expect(news.state == row.state)
            #expect(row.state.isFinished ? news.failure?.kind == row.failure : true)
        }
    }

    /// Brings a job to the state of the row.
    private func reach(
        _ row: TransitionRow,
        _ manager: any JobManager,
        _ executor: TestExecutor
    ) async throws -> (JobID, TestRun) {
        let request = JobRequest(name: "a", retries: row.retries)
        if row.given == .queued {
            // Another job occupies the only worker.
            let (_, run) = try await manager.startHeld(JobRequest(name: "b"), executor)
            return (try await manager.start(request), run)
        }
        let (id, run) = try await manager.startHeld(request, executor)
        switch row.given {
        case .queued, .running: break
        case .scheduled: run.fail()
        case .cancelling: try await manager.cancel(id, reason: "x")
        case .succeeded: run.succeed("1")
        }
        _ = try await until(JobState(rawValue: row.given.rawValue) ?? .running, id, manager)
        return (id, run)
    }

    private func happen(
        _ event: TransitionRow.Event,
        _ id: JobID,
        _ run: TestRun,
        _ manager: any JobManager,
        _ executor: TestExecutor
    ) async throws {
        switch event {
        case .ends(let outcome): run.end(outcome)
        case .sendsTooMuch:
            let text = String(repeating: "x", count: TransitionRow.maximumChangesBytes)
            run.setProps(#"[["a","b","\#(text)"]]"#)
            try await eventually("the stop") { !executor.cancelled.isEmpty }
            run.end(.cancelled(killed: true))
        case .isCancelled: try await manager.cancel(id, reason: "y")
        case .isDue:
            clock.advance(by: .seconds(10))
            _ = await executor.next()
        case .isNotAskedFor:
            let waiting = await manager.statistics().queued
            clock.advance(by: .seconds(180))
            // Reading the job would count as interest.
            if waiting > 0 { try await eventually("the drop") { await manager.statistics().queued == 0 } }
        }
    }

    /// The update of a job that has reached a state, or has ended.
    private func until(_ state: JobState, _ id: JobID, _ manager: any JobManager) async throws -> JobUpdate {
        var found: JobUpdate?
        try await eventually("\(state)") {
            found = try await manager.update(of: id, after: 0)
            return found.map { $0.state == state || $0.state.isFinished } ?? false
        }
        return try #require(found)
    }
}
