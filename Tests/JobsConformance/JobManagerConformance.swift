import DashJSON
package import Jobs
import Logging
import ServiceLifecycle
import Testing

/// Checks that every job manager must pass.
///
/// ```swift
/// @Test("a manager in memory conforms", arguments: JobManagerConformance.checks)
/// func keeps(_ check: JobManagerConformance.Check) async throws {
///     let store = MemoryJobStore()
///     try await check.run(JobManagerConformance { EmbeddedJobManager(store: store, setup: $0) })
/// }
/// ```
package struct JobManagerConformance: Sendable {
    /// The setup of a manager.
    package struct Setup: Sendable {
        /// Runs the jobs.
        package var executor: TestExecutor
        /// Limits and timeouts.
        package var configuration = JobManagerConfiguration()
        /// The clock.
        package var clock: ManualJobClock
    }

    /// One check.
    package struct Check: Sendable, CustomTestStringConvertible {
        /// The requirement.
        package var testDescription: String
        /// Performs the check.
        package var run: @Sendable (JobManagerConformance) async throws -> Void

        init(_ promise: String, _ run: @escaping @Sendable (JobManagerConformance) async throws -> Void) {
            testDescription = promise
            self.run = run
        }
    }

    /// All checks.
    package static var checks: [Check] {
        lifeCycleChecks + changeChecks + newsChecks + queueChecks + cancellationChecks + retryChecks + cacheChecks
            + flightChecks + restartChecks + timeChecks + serviceChecks + limitChecks + transitionChecks
    }

    /// The clock of this check.
    package let clock = ManualJobClock()
    private let make: @Sendable (Setup) async throws -> any JobManager

    /// Creates the suite for a manager.
    ///
    /// - Parameter make: Creates a manager. Later calls create managers that find what the previous one stored, after
    ///   it has ended.
    package init(make: @escaping @Sendable (Setup) async throws -> any JobManager) {
        self.make = make
    }

    /// Runs a manager during the body.
    func withManager<Value: Sendable>(
        maximumConcurrency: Int = 4,
        _ configure: (inout JobManagerConfiguration) -> Void = { _ in },
        _ body: (any JobManager, TestExecutor) async throws -> Value
    ) async throws -> Value {
        var setup = Setup(executor: TestExecutor(maximumConcurrency: maximumConcurrency), clock: clock)
        configure(&setup.configuration)
        let manager = try await make(setup)
        let service = Task { try await manager.run() }
        do {
            let value = try await body(manager, setup.executor)
            service.cancel()
            try await service.value
            return value
        } catch {
            service.cancel()
            _ = await service.result
            throw error
        }
    }
}

extension EmbeddedJobManager {
    /// Creates a manager for a check.
    package convenience init(store: any JobStore, setup: JobManagerConformance.Setup) {
        self.init(
            store: store,
            executor: setup.executor,
            configuration: setup.configuration,
            clock: setup.clock,
            logger: .quiet
        )
    }
}

extension Logger {
    /// Discards everything.
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
