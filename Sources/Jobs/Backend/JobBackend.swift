public import DashJSON
public import Logging
public import ServiceLifecycle

/// Where a site's background jobs are kept and run, when that is not the server itself: makes the manager that the web
/// server asks, and the worker that a program runs with its `worker` command.
public protocol JobBackend: Sendable {
    /// Whether several web servers may use it together. They need one secret, then, and share what a page needs.
    var isShared: Bool { get }

    /// Makes the web server's manager. Nothing is connected before its `run()`.
    ///
    /// - Throws: an error with a sentence that says what to do, for example about an address that is none.
    func makeManager(_ setup: JobBackendSetup) throws -> any JobManager

    /// Makes a worker: a service that takes jobs from the queue and runs them in processes of its own.
    ///
    /// - Throws: an error with a sentence that says what to do.
    func makeWorker(_ setup: JobBackendSetup, options: JobWorkerOptions) throws -> any Service

    /// What several web servers share besides jobs; nil when there is only one.
    func makeSharedState(_ setup: JobBackendSetup) throws -> (any SharedState)?
}

/// What a backend is told of the site it works for.
public struct JobBackendSetup: Sendable {
    /// The rules of jobs.
    public var configuration: JobManagerConfiguration
    /// How worker processes are started.
    public var pool: WorkerPoolConfiguration
    /// The jobs this program can run.
    public var jobs: [JobDefinition]
    /// Translates between the site's payloads and what others see.
    public var codec: any JobCodec
    /// Where to say what no caller is told.
    public var logger: Logger

    /// Collects what a backend is told.
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
    /// The name on the queue, by which other programs call it.
    public var taskName: String
    /// Its version; see ``JobRequest/version``.
    public var version: String
    /// What tools that watch the queue show in place of the task's name; nil for that name.
    public var displayName: String?
    /// How often a failed attempt is tried again when another program calls the job; a start by this program says so itself.
    public var retries: RetryPolicy

    /// Describes a job.
    public init(
        name: String,
        taskName: String,
        version: String,
        displayName: String? = nil,
        retries: RetryPolicy = .none
    ) {
        self.name = name
        self.taskName = taskName
        self.version = version
        self.displayName = displayName
        self.retries = retries
    }
}

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

/// A task that another program's workers run in place of a job's own code.
public struct RemoteTask: Sendable, Hashable {
    /// The task's name in the other program, for example `proj.tasks.report`.
    public var name: String
    /// The queue its workers take from; nil is the backend's default for other programs.
    public var queue: String?
    /// The positional arguments, an array.
    public var arguments: RawJSON

    /// Names a task with its arguments.
    public init(name: String, queue: String? = nil, arguments: RawJSON) {
        self.name = name
        self.queue = queue
        self.arguments = arguments
    }
}
