/// What a pool and its worker say to each other over their socket. `run` numbers the runs of tasks of one pool, so that
/// what comes late for an ended run is told apart.
enum Frame: Sendable, Hashable {
    // Pool to worker.
    case job(run: UInt64, WorkerTask)
    case cancel(run: UInt64)
    // Worker to pool.
    case ready(buildID: String)
    case started(run: UInt64)
    case progress(run: UInt64, [UInt8])
    case setProps(run: UInt64, [UInt8])
    case succeeded(run: UInt64, [UInt8])
    case failed(run: UInt64, WorkerFailure)
    case cancelled(run: UInt64)

    /// The longest frame that is taken, in bytes without the four of its length.
    static let maximumLength = 256 << 20
}

/// The kinds of frame, as they stand in the first byte.
enum FrameKind: UInt8 {
    case job = 1, cancel, ready, started, progress, setProps, succeeded, failed, cancelled
}

/// A frame that cannot be understood: the two sides are not of one build, or something else wrote into the socket.
struct FrameError: Error, CustomStringConvertible {
    let description: String
}
