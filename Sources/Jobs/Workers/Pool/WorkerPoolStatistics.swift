/// What a ``WorkerPool`` is doing at one moment.
public struct WorkerPoolStatistics: Sendable, Hashable {
    /// The workers that are ready for work or at it.
    public var workers = 0
    /// The workers at work.
    public var busy = 0
    /// The processes that are not yet ready.
    public var starting = 0
    /// The tasks that wait for a worker.
    public var waiting = 0
    /// The process ids of all living workers, sorted.
    public var pids: [Int32] = []

    /// Nothing at all.
    public init() {}
}
