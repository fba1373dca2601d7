import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle
import Synchronization

@testable import JobsCelery

/// Tracks the sent and the stored updates of jobs, so that a check can wait for a worker, which writes in intervals.
final class UpdateLedger: Sendable {
    /// For each place the newest value and the Patches after it.
    private typealias Values = [String: [[UInt8]]]

    private struct State {
        var attempts: [JobID: RecordFacts] = [:]
        var sent: [String: Values] = [:]
        var written: [String: Values] = [:]
        /// Attempts whose further updates are not stored.
        var closed: Set<String> = []
    }

    private let state = Mutex(State())

    func begin(_ attempt: RecordFacts) {
        state.withLock { $0.attempts[attempt.job.id] = attempt }
    }

    /// The name of a task's current attempt in the checks.
    func name(of task: String) -> String {
        guard let id = JobID(task), let attempt = state.withLock({ $0.attempts[id] }) else { return task }
        return attempt.name
    }

    func sent(_ values: [PropertyValue], sort: Int, by attempt: String) {
        guard !values.isEmpty else { return }
        state.withLock { $0.sent[attempt, default: [:]].take(values, sort) }
    }

    func written(_ values: [PropertyValue], sort: Int, by attempt: RecordFacts) {
        guard !values.isEmpty else { return }
        state.withLock { $0.written[attempt.name, default: [:]].take(values, sort) }
    }

    func close(_ attempt: RecordFacts) {
        state.withLock { _ = $0.closed.insert(attempt.name) }
    }

    /// Waits until all sent updates are stored, or their attempt is closed.
    func settle() async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            let isSettled = state.withLock { state in
                state.sent.allSatisfy { state.closed.contains($0.key) || state.written[$0.key] == $0.value }
            }
            if isSettled { return }
            guard ContinuousClock.now < deadline else { throw NotSettled() }
            // The worker sends no notification.
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    struct NotSettled: Error {}
}

extension RecordFacts {
    fileprivate var name: String { "\(job.id).\(job.attempt)" }
}

extension [String: [[UInt8]]] {
    fileprivate mutating func take(_ values: [PropertyValue], _ sort: Int) {
        for value in values {
            let place = "\(sort) \(value.id) \(value.property)"
            if !value.isPatch { self[place] = [] }
            self[place, default: []].append(value.value.bytes)
        }
    }
}

/// An executor that records the updates of its tasks in a ledger.
struct LedgerExecutor: JobExecutor {
    let executor: TestExecutor
    let ledger: UpdateLedger

    var maximumConcurrency: Int { executor.maximumConcurrency }

    func run() async throws { try await executor.run() }

    func execute(_ task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) async -> WorkerOutcome {
        var task = task
        task.id = ledger.name(of: task.id)
        return await executor.execute(task) { [ledger, id = task.id] update in
            switch update {
            case .progress(let body): ledger.sent(PropertyValue.list(from: body) ?? [], sort: 0, by: id)
            case .setProps(let body): ledger.sent(PropertyValue.list(from: body) ?? [], sort: 1, by: id)
            case .started: break
            }
            onUpdate(update)
        }
    }

    func cancel(_ taskID: String) { executor.cancel(ledger.name(of: taskID)) }
}

/// Job records that record stored updates in a ledger.
struct LedgerRecording: JobRecording {
    let recording: any JobRecording
    let ledger: UpdateLedger

    var settlesDeliveries: Bool { recording.settlesDeliveries }

    func begin(_ id: JobID, delivery: JobsCelery.Delivery, worker: WorkerIdentity) async throws -> RecordFacts? {
        let attempt = try await recording.begin(id, delivery: delivery, worker: worker)
        if let attempt { ledger.begin(attempt) }
        return attempt
    }

    func update(_ attempt: RecordFacts, _ changes: ChangeSet) async throws -> JobStanding {
        let standing = try await recording.update(attempt, changes)
        ledger.written(changes.progress, sort: 0, by: attempt)
        ledger.written(changes.props, sort: 1, by: attempt)
        if standing != .current { ledger.close(attempt) }
        return standing
    }

    func complete(
        _ attempt: RecordFacts,
        outcome: WorkerOutcome,
        delivery: JobsCelery.Delivery
    ) async throws -> AttemptOutcome {
        ledger.close(attempt)
        return try await recording.complete(attempt, outcome: outcome, delivery: delivery)
    }

    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws {
        try await recording.observeCancellations(of: running, cancelled)
    }
}
