import DashJSON
public import Jobs
import Logging
import ServiceLifecycle
public import Testing

/// What every job manager has to keep, as checks that run against any of them.
///
/// ```swift
/// @Test("a manager in memory keeps", arguments: JobManagerConformance.checks)
/// func keeps(_ check: JobManagerConformance.Check) async throws {
///     let store = MemoryJobStore()
///     try await check.run(JobManagerConformance { EmbeddedJobManager(store: store, setup: $0) })
/// }
/// ```
public struct JobManagerConformance: Sendable {
    /// What a manager is made with.
    public struct Setup: Sendable {
        /// What runs the jobs.
        public var executor: TestExecutor
        /// The rules.
        public var configuration = JobManagerConfiguration()
        /// The time.
        public var clock: ManualJobClock
    }

    /// One promise.
    public struct Check: Sendable, CustomTestStringConvertible {
        /// The promise in words.
        public var testDescription: String
        /// Sees whether it is kept.
        public var run: @Sendable (JobManagerConformance) async throws -> Void

        init(_ promise: String, _ run: @escaping @Sendable (JobManagerConformance) async throws -> Void) {
            testDescription = promise
            self.run = run
        }
    }

    /// All promises.
    public static var checks: [Check] {
        lifeCycleChecks + changeChecks + newsChecks + queueChecks + cancellationChecks + retryChecks + cacheChecks
            + flightChecks + restartChecks + timeChecks + serviceChecks + limitChecks + transitionChecks
    }

    /// The time of this check.
    public let clock = ManualJobClock()
    private let make: @Sendable (Setup) async throws -> any JobManager

    /// Names what is to be checked.
    ///
    /// - Parameter make: Makes a manager. Called again, it makes one that finds what the last one stored; the last one
    ///   has ended then.
    public init(make: @escaping @Sendable (Setup) async throws -> any JobManager) {
        self.make = make
    }

    /// Runs a manager, and stops it after the body.
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
    /// Makes a manager as a check wants it.
    public convenience init(store: any JobStore, setup: JobManagerConformance.Setup) {
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
    /// Says nothing.
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
