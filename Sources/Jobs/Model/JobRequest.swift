import Crypto
public import DashJSON
import Support

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

/// The name of a cached result: 64 hexadecimal digits that stand for the job, its build, its inputs and who may share it.
public struct CacheKey: Sendable, Hashable, CustomStringConvertible {
    /// The digits.
    public let text: String

    /// Takes a key as it is, for example one that was stored.
    public init(_ text: String) {
        self.text = text
    }

    /// Makes the key of a job with its inputs. Equal inputs give equal keys: `1` and `1.0` are the same, and the order of
    /// an object's members does not matter.
    ///
    /// - Parameters:
    ///   - name: The job's name.
    ///   - build: What the program is: a result of another build is never taken.
    ///   - version: The job's version, see ``JobRequest/version``.
    ///   - arguments: The arguments that count.
    ///   - by: Further values that count, for example the id of a launch.
    ///   - scope: Who shares the result: empty for everybody, else for example an owner.
    public init(name: String, build: String, version: String, arguments: [JSON], by: [JSON] = [], scope: String = "") {
        let parts: JSON = .array([
            .string(name), .string(build), .string(version), .array(arguments), .array(by), .string(scope),
        ])
        text = Hexadecimal.text(SHA256.hash(data: parts.canonical()))
    }

    /// The same as ``text``.
    public var description: String { text }
}

/// The wish to keep a job's result for later starts with the same key.
///
/// Of several jobs with one key that are not finished only the first runs; the others wait for it and end as it does. Where
/// its end says nothing of theirs, because it was cancelled, crashed or was lost, the next of them runs in its place.
public struct CacheStore: Sendable, Hashable {
    /// Under which name the result is kept.
    public var key: CacheKey
    /// How long it is kept after its last use, or nil for as long as there is room.
    public var expire: Duration?
    /// Whether a start that finds a result under the key ends with that and runs nothing. It closes the gap between
    /// ``JobManager/cachedResult(for:)`` and the start, and is not kept with the job.
    public var reuseCached: Bool

    /// Makes the wish.
    public init(key: CacheKey, expire: Duration? = nil, reuseCached: Bool = false) {
        self.key = key
        self.expire = expire
        self.reuseCached = reuseCached
    }
}

/// How often, and after which wait, an attempt that failed, crashed or was lost is followed by another.
///
/// A cancelled job is never tried again. The default is ``none``: a job that failed, crashed or was lost is not tried again.
/// That is no promise to run once: a job that a stop of the server interrupted, or a trap in the server's own code, runs
/// again whatever the policy says, as nothing was wrong with it.
public struct RetryPolicy: Sendable, Hashable {
    /// The wait before another attempt.
    public struct Backoff: Sendable, Hashable {
        /// The wait after the first failure.
        public var first: Duration
        /// What the wait is multiplied by after each further failure; at least 1.
        public var factor: Double
        /// The longest wait.
        public var longest: Duration

        /// Always the same wait.
        public static func constant(_ wait: Duration) -> Backoff {
            Backoff(first: wait, factor: 1, longest: wait)
        }

        /// A wait that grows by `factor` with each failure, up to `longest`.
        public static func exponential(
            first: Duration = .seconds(1),
            factor: Double = 2,
            longest: Duration = .seconds(300)
        ) -> Backoff {
            Backoff(first: first, factor: max(1, factor), longest: longest)
        }
    }

    /// How many attempts may follow the first.
    public var limit: Int
    /// The waits between them.
    public var backoff: Backoff

    /// One attempt and no more.
    public static let none = RetryPolicy(limit: 0, backoff: .constant(.zero))

    /// Up to `limit` attempts after the first.
    public static func upTo(_ limit: Int, backoff: Backoff = .exponential()) -> RetryPolicy {
        RetryPolicy(limit: max(0, limit), backoff: backoff)
    }

    /// The wait after the given number of failed attempts (1 for the first).
    package func wait(afterFailures failures: Int) -> Duration {
        var wait = backoff.first
        var step = 1
        while step < failures, wait < backoff.longest, backoff.factor > 1 {
            // A product that is too long for a Duration would trap.
            guard wait / backoff.longest * backoff.factor < 1 else { return backoff.longest }
            wait = wait * backoff.factor
            step += 1
        }
        return min(wait, backoff.longest)
    }
}
