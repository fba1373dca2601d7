public import Logging
public import ServiceLifecycle

/// Worker processes that run one task each at a time.
public final class WorkerPool: Service, Sendable {
    /// How the pool was set up.
    public let configuration: WorkerPoolConfiguration
    private let logger: Logger

    /// Makes a pool; no process is started before ``run()``.
    public init(_ configuration: WorkerPoolConfiguration = .init(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// How many tasks can run at the same time.
    public var maximumConcurrency: Int { configuration.maximum }

    /// What the pool is doing now.
    public var statistics: WorkerPoolStatistics { WorkerPoolStatistics() }

    /// Keeps the workers until the service is told to stop.
    public func run() async throws {}

    /// Runs a task in a worker.
    public func execute(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        .shutDown
    }

    /// Cancels a task.
    public func cancel(_ taskID: String) {}
}
