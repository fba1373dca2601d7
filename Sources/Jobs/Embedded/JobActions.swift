public import ServiceLifecycle

/// What the engine wants done: the driver does it in this order.
struct JobActions: Sendable {
    /// A place in a write to go on from when the write is done.
    enum Step: Sendable, Hashable {
        case inserted(JobID)
        case started(JobID)
        case ended(JobID)
        case flushed(JobID)
        case removed(JobID)
    }

    /// Those who wait for news and are to be woken.
    var woken: Set<Int> = []
    /// Tasks to stop.
    var stopped: [String] = []
    /// Tasks to execute.
    var executions: [JobExecution] = []
    /// What to write, all or nothing.
    var changes: [StoreChange] = []
    /// What to tell the engine when the writing is done or has failed.
    var steps: [Step] = []
    /// Whether to prune the store.
    var prunes = false

    static let none = JobActions()
}

/// One attempt that is to be executed.
struct JobExecution: Sendable {
    var id: JobID
    var attempt: Int
    var task: WorkerTask
}

/// Runs jobs and knows nothing of queues and stores: the worker pool, or closures in a test.
///
/// The manager that is given an executor runs it too: `run()` is called by the manager's own.
public protocol JobExecutor: Service {
    /// The most tasks that are worth giving it at once.
    var maximumConcurrency: Int { get }

    /// Runs one task to its end.
    ///
    /// - Parameters:
    ///   - task: The task. Its id is unique among those that are being executed.
    ///   - onUpdate: Called in order, and never after this returns. `started` is sent once ``cancel(_:)`` has an effect.
    /// - Returns: How it ended. `shutDown` if the executor itself is ending.
    func execute(_ task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) async -> WorkerOutcome

    /// Stops a task, in the end by force. An unknown task is left alone.
    func cancel(_ taskID: String)

    /// Asks a task to stop and leaves it the time it takes. An unknown task is left alone.
    func interrupt(_ taskID: String)

    /// Stops a task by force, at once. An unknown task is left alone.
    func kill(_ taskID: String)

    /// Changes ``maximumConcurrency``; what runs goes on.
    func resize(_ maximum: Int)

    /// The ids of the processes that run tasks, sorted.
    var processes: [Int32] { get }
}

extension JobExecutor {
    /// Cancels it.
    public func interrupt(_ taskID: String) { cancel(taskID) }

    /// Cancels it.
    public func kill(_ taskID: String) { cancel(taskID) }

    /// Nothing: it has the size that it has.
    public func resize(_ maximum: Int) {}

    /// None.
    public var processes: [Int32] { [] }
}

extension WorkerPool: JobExecutor {}
