/// One piece of work for a worker process: what it is called and what it is given.
public struct WorkerTask: Sendable, Hashable {
    /// Names this run of the work; no two tasks of a pool may have the same one at the same time.
    public var id: String
    /// Which work it is; the worker's `perform` decides by it.
    public var name: String
    /// What the work is given, usually JSON text. It is passed through untouched.
    public var payload: [UInt8]

    /// Describes a piece of work.
    ///
    /// - Parameters:
    ///   - id: Names this run.
    ///   - name: Which work it is.
    ///   - payload: What the work is given.
    public init(id: String, name: String, payload: [UInt8] = []) {
        self.id = id
        self.name = name
        self.payload = payload
    }
}

/// What a running task tells before its outcome. Bodies are JSON text, passed through unparsed.
public enum WorkerUpdate: Sendable, Hashable {
    /// The worker with this process id has begun the task.
    case started(worker: Int32)
    /// The newest progress; values between two updates may have been left out.
    case progress([UInt8])
    /// Properties to set, an array of `[id, property, value]`, in the order they were set.
    case setProps([UInt8])
}

/// How a task ended.
public enum WorkerOutcome: Sendable, Hashable {
    /// The work returned these bytes.
    case succeeded([UInt8])
    /// The work threw, or its process ended, or no worker could be started for it.
    case failed(WorkerFailure)
    /// The task was cancelled; `killed` tells that its process had to be killed (or died) because of it.
    case cancelled(killed: Bool)
    /// The pool stopped before the task was done. It is nobody's fault: the task may be run again.
    case shutDown
}

/// What running work tells its starter with. Neither function ever blocks or throws.
public struct WorkerChannel: Sendable {
    private let sendProgress: @Sendable ([UInt8]) -> Void
    private let sendProps: @Sendable ([UInt8]) -> Void

    /// Makes a channel from two functions, for work that runs without a worker process, as in tests.
    ///
    /// - Parameters:
    ///   - progress: Takes each progress.
    ///   - setProps: Takes each list of properties.
    public init(
        progress: @escaping @Sendable ([UInt8]) -> Void,
        setProps: @escaping @Sendable ([UInt8]) -> Void
    ) {
        sendProgress = progress
        sendProps = setProps
    }

    /// Tells the progress. In a worker process at most one goes out each 10 ms, and only the newest counts.
    ///
    /// - Parameter body: JSON text.
    public func progress(_ body: [UInt8]) {
        sendProgress(body)
    }

    /// Sets properties. In a worker process they are collected in order and go out together each 10 ms; of two values for
    /// the same id and property only the newer goes out, but Patches are all kept. Work that sets more than 64 MB before
    /// they could go out is cancelled and fails as too large.
    ///
    /// - Parameter body: JSON text, an array of `[id, property, value]`. Anything else is passed on as it is.
    public func setProps(_ body: [UInt8]) {
        sendProps(body)
    }
}
