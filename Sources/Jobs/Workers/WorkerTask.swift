/// A task for a worker process.
public struct WorkerTask: Sendable, Hashable {
    /// The task's id; unique among the unfinished tasks of a pool.
    public var id: String
    /// The name of the work, by which the worker's `perform` selects the code.
    public var name: String
    /// The input, usually JSON text; passed through unchanged.
    public var payload: [UInt8]
    /// The task of another program that runs instead.
    package var remote: RemoteTask?

    /// Creates a task; see the properties.
    public init(id: String, name: String, payload: [UInt8] = []) {
        self.id = id
        self.name = name
        self.payload = payload
    }
}

/// An update of a running task. Bodies are JSON text, passed through unparsed.
public enum WorkerUpdate: Sendable, Hashable {
    /// The worker with this process id began the task.
    case started(worker: Int32)
    /// The newest progress; intermediate values may be omitted.
    case progress([UInt8])
    /// Properties to set: an array of `[id, property, value]`, in the order they were set.
    case setProps([UInt8])
}

/// The outcome of a task.
public enum WorkerOutcome: Sendable, Hashable {
    /// The task returned these bytes.
    case succeeded([UInt8])
    /// The task threw an error, its process ended, or no worker could be started.
    case failed(JobFailure)
    /// The task was cancelled; `killed` is true if its process was killed, or died, because of it.
    case cancelled(killed: Bool)
    /// The pool stopped before the task was done. The task may run again.
    case shutDown
}

/// Sends updates of a running task. Its functions neither block nor throw.
public struct WorkerChannel: Sendable {
    private let sendProgress: @Sendable ([UInt8]) -> Void
    private let sendProps: @Sendable ([UInt8]) -> Void

    /// Creates a channel from two functions, for tasks outside worker processes, for example in tests.
    ///
    /// - Parameters:
    ///   - progress: Receives each progress.
    ///   - setProps: Receives each list of properties.
    public init(progress: @escaping @Sendable ([UInt8]) -> Void, setProps: @escaping @Sendable ([UInt8]) -> Void) {
        sendProgress = progress
        sendProps = setProps
    }

    /// Sends progress. A worker process sends at most one every 10 ms, and only the newest.
    ///
    /// - Parameter body: JSON text.
    public func progress(_ body: [UInt8]) {
        sendProgress(body)
    }

    /// Sets properties. A worker process sends them in order at most every 10 ms; a newer value for the same id and
    /// property replaces an older one, but all patches are kept. A task with more than 64 MB of unsent properties is
    /// cancelled and fails as too large.
    ///
    /// - Parameter body: JSON text, an array of `[id, property, value]`. Other text is passed on unchanged.
    public func setProps(_ body: [UInt8]) {
        sendProps(body)
    }
}
