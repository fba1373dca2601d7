/// How a worker of a queue is run: the options of the `worker` command. What is nil has the backend's default.
public struct JobWorkerOptions: Sendable, Hashable {
    /// How many jobs run at once; nil is the number of cores.
    public var concurrency: Int?
    /// The queues to take from; empty is the backend's own queue.
    public var queues: [String] = []
    /// The worker's name, as `worker1@%h` (`%h` host and domain, `%n` host alone, `%d` domain, `%%` a percent sign).
    public var hostname: String?
    /// Whether events about tasks are sent from the start.
    public var sendsEvents = false
    /// Whether the worker tells every two seconds that it lives, for Flower and `celery events`; without it they hear of it
    /// only when it starts and ends.
    public var sendsHeartbeats = true
    /// Whether the worker asks the others, when it starts, what is revoked, and takes no message before they have answered.
    public var mingles = true
    /// Whether callers of a task can see that it has begun: Celery's state `STARTED`.
    public var tracksStarted = false
    /// After so many jobs a worker process is replaced; nil is never.
    public var maxTasksPerChild: Int?
    /// After this time a job is killed; nil is never.
    public var timeLimit: Duration?
    /// After this time a job is cancelled, so that it can tidy up; nil is never.
    public var softTimeLimit: Duration?
    /// How many messages are held for each process, those at work among them; at least 1.
    public var prefetchMultiplier = 1
    /// A file that holds the number of the worker's process while it runs, as `/run/dash/%n.pid` (`%p` the worker's name,
    /// `%n` what stands before its `@`, `%h` what stands behind it, `%d` the domain, `%%` a percent sign); nil is none.
    public var pidFile: String?

    /// The defaults.
    public init() {}
}
