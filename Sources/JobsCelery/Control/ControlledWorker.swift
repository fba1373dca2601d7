/// What remote control sees of a worker, and what it may ask of it.
///
/// The worker implements it. What is asked here is done or begun when the call returns; nothing waits for a task's end.
protocol ControlledWorker: Sendable {
    /// How busy the worker is, for heartbeats: answered at once, whatever else goes on.
    var load: WorkerLoad { get }

    /// What the worker holds and does just now.
    func snapshot() async -> WorkerSnapshot

    /// Somebody revoked tasks, which `RevokedTasks` knows already: those that wait here end as revoked, those that run go
    /// on, and those that nobody has seen yet are stored as revoked.
    func revoke(_ ids: [String]) async

    /// Ends tasks that the worker has: one that runs by a signal to its process, one that waits before it is run.
    ///
    /// - Returns: those of `ids` that the worker has.
    func terminate(_ ids: [String], signal: Int32) async -> [String]

    /// Lets tasks of a name start only so often; nil takes a limit away.
    ///
    /// - Returns: whether there is such a task.
    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool

    /// Changes the time limits (seconds) of tasks of a name; nil is none.
    ///
    /// - Returns: whether there is such a task.
    func setTimeLimit(soft: Double?, hard: Double?, of task: String) async -> Bool

    /// Runs so many tasks more (or, below zero, less) at once.
    func resizePool(by change: Int) async

    /// Takes from a queue too.
    func add(queue: String) async throws

    /// Takes from a queue no more.
    func cancel(queue: String) async throws

    /// Stops when the running tasks have ended (warm shutdown).
    func shutDown()
}

/// How busy a worker is.
struct WorkerLoad: Sendable, Hashable {
    /// Tasks that run.
    var active: Int
    /// Tasks that have been run since the start.
    var processed: Int
}

/// How often tasks of a name may start.
struct RateLimit: Sendable, Hashable {
    /// As it was said, `10/m`.
    var text: String
    /// Starts in a second.
    var perSecond: Double
}
