package import Jobs
import Logging
import ServiceLifecycle
import Testing

/// Checks of an embedded manager over any store, while the store fails or the process ends.
package struct JobStoreConformance: Sendable {
    /// One check.
    package struct Check: Sendable, CustomTestStringConvertible {
        /// The requirement.
        package var testDescription: String
        /// Performs the check. A check uses several stores; each call of `make` returns an empty one.
        package var run: @Sendable (JobStoreConformance) async throws -> Void

        init(_ promise: String, _ run: @escaping @Sendable (JobStoreConformance) async throws -> Void) {
            testDescription = promise
            self.run = run
        }
    }

    /// All checks.
    package static var checks: [Check] { faultChecks + interruptionChecks + writingChecks }

    /// The clock of this check.
    package let clock = ManualJobClock()
    private let makePlace: @Sendable () -> @Sendable () -> any JobStore

    /// Creates the suite for a store.
    ///
    /// - Parameter makePlace: Creates an empty storage location; the returned closure opens a store there, repeatedly.
    package init(makePlace: @escaping @Sendable () -> @Sendable () -> any JobStore) {
        self.makePlace = makePlace
    }

    /// An empty storage location, whose stores fail on request.
    func place() -> @Sendable () -> FaultyStore {
        let place = makePlace()
        return { FaultyStore(place()) }
    }

    /// Runs a manager over a store during the body.
    func withManager<Value: Sendable>(
        _ store: FaultyStore,
        maximumConcurrency: Int = 4,
        _ configure: (inout JobManagerConfiguration) -> Void = { _ in },
        _ body: (EmbeddedJobManager, TestExecutor) async throws -> Value
    ) async throws -> Value {
        let executor = TestExecutor(maximumConcurrency: maximumConcurrency)
        var setup = JobManagerConformance.Setup(executor: executor, clock: clock)
        configure(&setup.configuration)
        let manager = EmbeddedJobManager(store: store, setup: setup)
        let service = Task { try await manager.run() }
        let result: Result<Value, any Error>
        do { result = .success(try await body(manager, executor)) } catch { result = .failure(error) }
        service.cancel()
        try await service.value
        return try result.get()
    }

    /// Runs a manager whose process ends with the body: later changes are not stored.
    func withKilledManager<Value: Sendable>(
        _ store: FaultyStore,
        maximumConcurrency: Int = 4,
        _ configure: (inout JobManagerConfiguration) -> Void = { _ in },
        _ body: (EmbeddedJobManager, TestExecutor) async throws -> Value
    ) async throws -> Value {
        try await withManager(store, maximumConcurrency: maximumConcurrency, configure) { manager, executor in
            defer { store.setFaults { _ in .fail } }
            return try await body(manager, executor)
        }
    }
}
