import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle

@testable import JobsCelery

/// A web server's manager and a worker in one process for the conformance checks: reads wait until all updates of a job
/// are stored.
struct SettledManager: JobManager {
    let manager: CeleryJobManager
    let worker: any Service
    let executor: TestExecutor
    let ledger: UpdateLedger

    /// Stops the worker first, so that the manager sees what it gives up.
    func run() async throws {
        let managing = Task { try await manager.run() }
        let working = Task { try await worker.run() }
        let result = await withTaskCancellationHandler {
            await working.result
        } onCancel: {
            working.cancel()
        }
        managing.cancel()
        try await managing.value
        try result.get()
    }

    func start(_ request: JobRequest) async throws -> JobID { try await manager.start(request) }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? { try await manager.cachedResult(for: key) }

    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await ledger.settle()
        return try await manager.update(of: id, after: sequence)
    }

    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        if !Task.isCancelled { try? await ledger.settle() }
        return try await manager.nextUpdate(of: id, after: sequence)
    }

    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        try await ledger.settle()
        try await manager.record(delivery, for: id)
    }

    /// Returns when the worker has received the cancellation.
    func cancel(_ id: JobID, reason: String) async throws {
        try await ledger.settle()
        try await manager.cancel(id, reason: reason)
        while try await manager.update(of: id, after: .max)?.state == .cancelling,
            !executor.cancelled.contains(where: { $0.hasPrefix(id.text) })
        {
            // The worker sends no confirmation.
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Waits until the worker is registered.
    func statistics() async -> JobStatistics {
        while true {
            let statistics = await manager.statistics()
            if statistics.maximumRunning > 0 || Task.isCancelled { return statistics }
            // The worker sends no notification.
            try? await Task.sleep(for: .milliseconds(1))
        }
    }
}
