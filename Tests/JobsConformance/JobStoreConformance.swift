public import Jobs
import Logging
import ServiceLifecycle
public import Testing

/// What an embedded manager keeps over any store when the store fails or the process ends in the middle.
public struct JobStoreConformance: Sendable {
    /// One promise.
    public struct Check: Sendable, CustomTestStringConvertible {
        /// The promise in words.
        public var testDescription: String
        /// Sees whether it is kept. A check takes several stores; each call of `make` gives an empty one.
        public var run: @Sendable (JobStoreConformance) async throws -> Void

        init(_ promise: String, _ run: @escaping @Sendable (JobStoreConformance) async throws -> Void) {
            testDescription = promise
            self.run = run
        }
    }

    /// All promises.
    public static var checks: [Check] { faultChecks + interruptionChecks + writingChecks }

    /// The time of this check.
    public let clock = ManualJobClock()
    private let makePlace: @Sendable () -> @Sendable () -> any JobStore

    /// Names what is to be checked.
    ///
    /// - Parameter makePlace: Makes an empty place; what it gives opens a store there, again and again.
    public init(makePlace: @escaping @Sendable () -> @Sendable () -> any JobStore) {
        self.makePlace = makePlace
    }

    /// An empty place for a store, whose stores fail as the test wants it.
    func place() -> @Sendable () -> FaultyStore {
        let place = makePlace()
        return { FaultyStore(place()) }
    }

    /// Runs a manager over a store, and stops it after the body.
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

    /// Runs a manager whose process ends with the body: nothing of what it does afterwards is stored.
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
