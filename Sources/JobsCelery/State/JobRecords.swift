import DashJSON
import Jobs

/// The records of Dash jobs in Redis: the truth about them, which all web servers and workers share.
///
/// A job on the queue is a Celery message, which makes it run, and a record, which tells how it stands. Every change is one
/// Lua script: atomic, safe to say twice, refused when it comes from an attempt that is not the present one. Each ends with
/// a message on the job's doorbell, so that whoever waits for news reads them; nobody polls.
///
/// Keys, all under a prefix (`dash:`):
///
/// | key | type | content |
/// |---|---|---|
/// | `job:<id>` | hash | what was asked for (`name owner page version details size`, the message and its list, the retry policy, the wish for the cache), and how it stands: `state attempt failures interruptions sequence created sent started finished due endReason looked resent`, the failure, the result, the delivery |
/// | `changes:<id>` | sorted set | progress and properties by the number of their change: `previous,first,bytes;sort[id,property,value]` |
/// | `places:<id>` | hash | for each property the numbers of its newest change and of the oldest that still counts |
/// | `queued` | sorted set | jobs that wait for a worker, by when somebody last asked for them |
/// | `scheduled` | sorted set | jobs that wait for a time, by it |
/// | `running` | sorted set | jobs that a worker has, by when it began |
/// | `remote` | sorted set | jobs that another program's workers do, by when to look at Celery's result next |
/// | `wanted` | sorted set | the same, by until when they are kept though nobody asks for them and nothing is heard |
/// | `unsent` | sorted set | jobs whose message is still to be sent, by when to try (a broker that is not this Redis) |
/// | `finished` | sorted set | jobs that ended, by when |
/// | `owners`, `totals` | hash | unfinished jobs of each owner; bytes of all inputs and of kept results, where the search for lost messages goes on |
/// | `passed` | hash | for each list when the newest job was started whose message was taken from it |
/// | `cache:<key>` | hash | a kept result, its last use, its time |
/// | `flights` | hash | for each key of a result the unfinished job that makes it |
/// | `followers:<key>` | list | the jobs that wait for that one's end (their `follows`), in the order of their start |
/// | `cached`, `cacheSizes` | sorted set, hash | kept results by their last use; their bytes |
/// | `capacity` | hash | how many jobs each worker runs at once |
/// | `workers` | sorted set | workers by the end of their lease, in seconds by Redis' clock |
///
/// The changes of a property are a chain: a value takes the place of the whole chain, a Patch is added to it. So a reader
/// gets what it lacks by one range, and a writer never reads a value.
///
/// Present is the attempt whose `fence` the record holds. It is made anew by each beginning and taken away by each end; the
/// answer to an end is kept (`lastFence`, `lastEnding`) for one that is said twice. Changes of an attempt are numbered.
///
/// Times of job rules come from the caller's clock in milliseconds; leases and waits between retries of our own come from
/// Redis' clock. A time to live on a key is for tidying up only, and longer than any rule.
struct JobRecords: Sendable {
    let redis: any RedisClient
    let settings: RecordSettings

    init(redis: any RedisClient, settings: RecordSettings) {
        self.redis = redis
        self.settings = settings
    }

    /// Where the doorbells of all jobs ring.
    var doorbells: String { settings.prefix + "news:*" }
    /// Where workers hear of jobs that are to stop.
    var cancellations: String { settings.prefix + "cancel" }

    /// The job whose doorbell a channel is.
    func job(ofDoorbell channel: String) -> JobID? {
        JobID(String(channel.dropFirst(settings.prefix.count + "news:".count)))
    }

    /// Celery's key and channel of a task's result.
    func metaKey(of id: JobID) -> String { settings.metaPrefix + id.text }
}

/// What the records are kept by.
struct RecordSettings: Sendable {
    /// Stands before all keys but Celery's.
    var prefix = "dash:"
    /// Stands before the keys of Celery's results.
    var metaPrefix = "celery-task-meta-"
    /// How long Celery's results of Dash jobs are kept; zero keeps them for ever.
    var metaExpiry = Duration.seconds(86_400)
    /// Whether the broker is the same Redis, so that messages are sent and acknowledged by the scripts.
    var isBroker: Bool
    /// Where the broker keeps what workers hold.
    var keys = RedisKeys()
    /// How many bytes of results are kept for later starts.
    var maximumCacheBytes = 256 << 20
    var rules = JobManagerConfiguration()
    var clock: any JobClock = SystemJobClock()
    /// For how long a worker counts as living that is not heard of.
    var lease = Duration.seconds(6)
    /// After so long without a worker it is looked into whether a waiting job's message is still there.
    var doubt = Duration.seconds(10)
    /// After so long without a word of it, and without anybody asking for it, a task that another program's worker began
    /// counts as lost.
    var remoteSilence = Duration.seconds(3600)
    /// For how long a script is said again that Redis could not be reached for.
    var patience = Duration.seconds(5)

    /// When a finished record is removed even if nobody tidies up, in milliseconds after its end.
    var collection: Int64 {
        min(rules.keepFinished.wholeMilliseconds, Self.longestLife / 4) * 2 + 3_600_000
    }

    /// In milliseconds; Redis adds it to the present time, which must not overflow.
    static let longestLife: Int64 = 10 * 365 * 86_400_000
}
