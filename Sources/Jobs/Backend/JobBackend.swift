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
    func makeFleet(_ setup: JobBackendSetup) throws -> (any JobFleet)?
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
