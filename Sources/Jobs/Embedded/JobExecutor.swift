public import ServiceLifecycle

/// Executes tasks, independent of queues and stores: the worker pool, or closures in a test.
///
/// A manager runs its executor: `run()` is called by the manager's own.
public protocol JobExecutor: Service {
    /// The number of tasks that can run at once.
    var maximumConcurrency: Int { get }

    /// Executes one task.
    ///
    /// - Parameters:
    ///   - task: The task. Its id is unique among the tasks that are being executed.
    ///   - onUpdate: Called in order, and never after this returns. `started` is sent once ``cancel(_:)`` has an
    ///     effect.
    /// - Returns: The outcome; `shutDown` if the executor itself is stopping.
    func execute(_ task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) async -> WorkerOutcome

    /// Stops a task, after a grace period by force. An unknown task is ignored.
    func cancel(_ taskID: String)

    /// Requests a task to stop, without a time limit. An unknown task is ignored.
    func interrupt(_ taskID: String)

    /// Stops a task by force, at once. An unknown task is ignored.
    func kill(_ taskID: String)

    /// Changes ``maximumConcurrency``. Running tasks continue.
    func resize(_ maximum: Int)

    /// The ids of the processes that execute tasks, sorted.
    var processes: [Int32] { get }
}

extension JobExecutor {
    /// The same as ``cancel(_:)``.
    public func interrupt(_ taskID: String) { cancel(taskID) }

    /// The same as ``cancel(_:)``.
    public func kill(_ taskID: String) { cancel(taskID) }

    /// Does nothing: the size is fixed.
    public func resize(_ maximum: Int) {}

    /// Empty.
    public var processes: [Int32] { [] }
}

extension WorkerPool: JobExecutor {}
