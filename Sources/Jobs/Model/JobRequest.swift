/// What is asked for when a job is started.
public struct JobRequest: Sendable {
    /// The job's identity. A second start with the same id is no second job: it returns the id and does nothing.
    public var id: JobID
    /// The name by which a worker finds the code, for example `gallery/progress`.
    public var name: String
    /// What the worker is given: JSON that this module passes on and does not read.
    public var payload: [UInt8]
    /// Whose job it is; limits count per owner.
    public var owner: String
    /// The page load that started it.
    public var page: String
    /// A name for the kind of work. Kept with the job.
    public var queue: String
    /// Higher is earlier; equal priorities run in the order of their start.
    public var priority: Int
    /// What the job's code looked like when it was started: a hash of its name and the types of its inputs and outputs.
    public var version: String
    /// How often a failed attempt is tried again.
    public var retries: RetryPolicy
    /// Where to keep the result for later starts, or nil to keep it for this job alone.
    public var cache: CacheStore?
    /// JSON kept for the starter and given back in the news, never read here.
    public var details: [UInt8]
    /// Another program's task that does the work, or nil when this program's workers do. Needs a manager with a queue.
    public var remote: RemoteTask?

    /// Makes a request; only the name has no default.
    public init(
        id: JobID = .new,
        name: String,
        payload: [UInt8] = [],
        owner: String = "",
        page: String = "",
        queue: String = "default",
        priority: Int = 0,
        version: String = "",
        retries: RetryPolicy = .none,
        cache: CacheStore? = nil,
        details: [UInt8] = [],
        remote: RemoteTask? = nil
    ) {
        self.id = id
        self.name = name
        self.payload = payload
        self.owner = owner
        self.page = page
        self.queue = queue
        self.priority = priority
        self.version = version
        self.retries = retries
        self.cache = cache
        self.details = details
        self.remote = remote
    }
}
