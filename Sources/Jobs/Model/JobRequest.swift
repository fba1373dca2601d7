import Crypto
public import DashJSON
import Support

/// A request to start a job.
public struct JobRequest: Sendable {
    /// The job's id. A second start with the same id returns the id and has no effect.
    public var id: JobID
    /// The name by which a worker finds the code, for example `gallery/progress`.
    public var name: String
    /// The input of the job: JSON that this module does not read.
    public var payload: [UInt8]
    /// The owner; limits apply per owner.
    public var owner: String
    /// The page load that started the job.
    public var page: String
    /// A name for the kind of work, stored with the job.
    public var queue: String
    /// Higher priorities run first; equal ones in start order.
    public var priority: Int
    /// Identifies the job's code: a hash of its name and the types of its inputs and outputs.
    public var version: String
    /// The retry policy.
    public var retries: RetryPolicy
    /// How to cache the result for later starts; nil for no caching.
    public var cache: CacheStore?
    /// JSON that is stored for the caller and returned in updates; this module does not read it.
    public var details: [UInt8]
    /// Another program's task to run instead of this program's code; nil for none. Requires a manager with a queue.
    public var remote: RemoteTask?

    /// Creates a request; only the name has no default.
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

/// The key of a cached result: 64 hexadecimal digits that identify the job, build, inputs and scope.
public struct CacheKey: Sendable, Hashable, CustomStringConvertible {
    /// The digits.
    public let text: String

    /// Takes an existing key, for example from a store.
    public init(_ text: String) {
        self.text = text
    }

    /// Computes the key of a job with its inputs. `1` and `1.0` are equal, and the order of object members is ignored.
    ///
    /// - Parameters:
    ///   - name: The job's name.
    ///   - build: The program's build; results of other builds are not used.
    ///   - version: The job's version, see ``JobRequest/version``.
    ///   - arguments: The arguments.
    ///   - by: Further values to include, for example a launch id.
    ///   - scope: Who shares the result, for example an owner; empty for everyone.
    public init(name: String, build: String, version: String, arguments: [JSON], by: [JSON] = [], scope: String = "") {
        let parts: JSON = .array([
            .string(name), .string(build), .string(version), .array(arguments), .array(by), .string(scope),
        ])
        text = Hexadecimal.text(SHA256.hash(data: parts.canonical()))
    }

    /// The ``text``.
    public var description: String { text }
}

/// A request to cache a job's result under a key.
///
/// Of several unfinished jobs with one key, only the first runs; the others share its outcome. If that does not apply
/// to them, because the job was cancelled, crashed or was lost, the next one runs.
public struct CacheStore: Sendable, Hashable {
    /// The key of the result.
    public var key: CacheKey
    /// How long the result is kept after its last use; nil while there is room.
    public var expire: Duration?
    /// Whether a start returns an existing result under the key instead of running. This closes the gap between
    /// ``JobManager/cachedResult(for:)`` and the start; it is not stored with the job.
    public var reuseCached: Bool

    /// Creates a caching request.
    public init(key: CacheKey, expire: Duration? = nil, reuseCached: Bool = false) {
        self.key = key
        self.expire = expire
        self.reuseCached = reuseCached
    }
}

/// How often, and after which delay, a job is retried after an attempt failed, crashed or was lost.
///
/// A cancelled job is never retried. The default is ``none``. That does not guarantee at most one run: a job that was
/// interrupted by a server shutdown, or by a trap in the server's own code, runs again under any policy.
public struct RetryPolicy: Sendable, Hashable {
    /// The delay before a retry.
    public struct Backoff: Sendable, Hashable {
        /// The delay after the first failure.
        public var first: Duration
        /// The factor for each further failure; at least 1.
        public var factor: Double
        /// The maximum delay.
        public var longest: Duration

        /// A constant delay.
        public static func constant(_ wait: Duration) -> Backoff {
            Backoff(first: wait, factor: 1, longest: wait)
        }

        /// A delay that grows by `factor` with each failure, up to `longest`.
        public static func exponential(
            first: Duration = .seconds(1),
            factor: Double = 2,
            longest: Duration = .seconds(300)
        ) -> Backoff {
            Backoff(first: first, factor: max(1, factor), longest: longest)
        }
    }

    /// The maximum number of retries.
    public var limit: Int
    /// The delays between attempts.
    public var backoff: Backoff

    /// No retries.
    public static let none = RetryPolicy(limit: 0, backoff: .constant(.zero))

    /// Up to `limit` retries.
    public static func upTo(_ limit: Int, backoff: Backoff = .exponential()) -> RetryPolicy {
        RetryPolicy(limit: max(0, limit), backoff: backoff)
    }

    /// The delay after the given number of failed attempts (1 for the first).
    package func wait(afterFailures failures: Int) -> Duration {
        var wait = backoff.first
        var step = 1
        while step < failures, wait < backoff.longest, backoff.factor > 1 {
            // The product could overflow Duration, which traps.
            guard wait / backoff.longest * backoff.factor < 1 else { return backoff.longest }
            wait = wait * backoff.factor
            step += 1
        }
        return min(wait, backoff.longest)
    }
}
