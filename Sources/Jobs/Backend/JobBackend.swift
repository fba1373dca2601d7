public import DashJSON
public import Logging
public import ServiceLifecycle

/// A queue that stores and runs a site's jobs instead of the server itself.
///
/// Makes the manager for the web server and the worker for the `worker` command.
public protocol JobBackend: Sendable {
    /// Whether several web servers may use it together. They then need the same secret and a shared state.
    var isShared: Bool { get }

    /// Creates the web server's manager. It connects in `run()`.
    ///
    /// - Throws: An error with a remedy in its message, for example for an invalid address.
    func makeManager(_ setup: JobBackendSetup) throws -> any JobManager

    /// Creates a worker: a service that takes jobs from the queue and runs them in its own processes.
    ///
    /// - Throws: An error with a remedy in its message.
    func makeWorker(_ setup: JobBackendSetup, options: JobWorkerOptions) throws -> any Service

    /// State that several web servers share besides jobs; nil with a single server.
    func makeSharedState(_ setup: JobBackendSetup) throws -> (any SharedState)?
}

/// The inputs of a ``JobBackend``.
public struct JobBackendSetup: Sendable {
    /// Limits and timeouts for jobs.
    public var configuration: JobManagerConfiguration
    /// How worker processes are started.
    public var pool: WorkerPoolConfiguration
    /// The jobs that this program can run.
    public var jobs: [JobDefinition]
    /// Translates between the site's payloads and the JSON that other programs see.
    public var codec: any JobCodec
    /// Logs failures that are not thrown to a caller.
    public var logger: Logger

    /// Creates a setup; only the logger has no default.
    public init(
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        pool: WorkerPoolConfiguration = WorkerPoolConfiguration(),
        jobs: [JobDefinition] = [],
        codec: any JobCodec = PlainJobCodec(),
        logger: Logger
    ) {
        self.configuration = configuration
        self.pool = pool
        self.jobs = jobs
        self.codec = codec
        self.logger = logger
    }
}

/// A job that a program can run.
public struct JobDefinition: Sendable, Hashable {
    /// The name in this program: `<app>/<callback>`.
    public var name: String
    /// The task's name on the queue, by which monitoring tools show it and other programs call it.
    public var taskName: String
    /// The version; see ``JobRequest/version``.
    public var version: String
    /// The retry policy for calls by other programs. This program's own starts carry their policy in the request.
    public var retries: RetryPolicy

    /// Describes a job.
    public init(name: String, taskName: String, version: String, retries: RetryPolicy = .none) {
        self.name = name
        self.taskName = taskName
        self.version = version
        self.retries = retries
    }
}

/// The options of the `worker` command. nil stands for the backend's default.
public struct JobWorkerOptions: Sendable, Hashable {
    /// The number of jobs that run at once; nil is the number of cores.
    public var concurrency: Int?
    /// The queues to consume; empty is the backend's own queue.
    public var queues: [String] = []
    /// The worker's name, for example `worker1@%h` (`%h` host and domain, `%n` host, `%d` domain, `%%` a percent sign).
    public var hostname: String?
    /// Whether task events are sent from the start.
    public var sendsEvents = false
    /// Whether the worker sends a heartbeat every two seconds for Flower and `celery events`. Without heartbeats, these
    /// tools only see the worker start and stop.
    public var sendsHeartbeats = true
    /// Whether the worker first requests the list of revoked tasks from the other workers, and consumes after their
    /// reply.
    public var mingles = true
    /// Whether callers can see Celery's state `STARTED`.
    public var tracksStarted = false
    /// The number of jobs after which a worker process is replaced; nil is unlimited.
    public var maxTasksPerChild: Int?
    /// The time after which a job is killed; nil is unlimited.
    public var timeLimit: Duration?
    /// The time after which a job is cancelled, so that it can clean up; nil is unlimited.
    public var softTimeLimit: Duration?
    /// The number of messages held per process, including running ones; at least 1.
    public var prefetchMultiplier = 1
    /// A file that holds the process id while the worker runs, for example `/run/dash/%n.pid` (`%p` the worker's name,
    /// `%n` the part before its `@`, `%h` the part after it, `%d` the domain, `%%` a percent sign); nil for none.
    public var pidFile: String?

    /// Creates options with the defaults.
    public init() {}
}

/// A task that another program's workers run instead of a job's own code.
public struct RemoteTask: Sendable, Hashable {
    /// The task's name in the other program, for example `proj.tasks.report`.
    public var name: String
    /// The queue that its workers consume; nil is the backend's default for other programs.
    public var queue: String?
    /// The positional arguments as a JSON array.
    public var arguments: RawJSON

    /// Creates a task with its arguments.
    public init(name: String, queue: String? = nil, arguments: RawJSON) {
        self.name = name
        self.queue = queue
        self.arguments = arguments
    }
}
