import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Support

/// What a worker is made of.
struct CeleryWorkerParts: Sendable {
    var broker: any CeleryBroker
    /// Where the ends of plain tasks are told.
    var results: any ResultStore
    /// Where parts of chords are counted; nil where there are no chords (`rpc://`).
    var chords: (any ChordStore)?
    /// The records of Dash jobs; nil where there are none (`rpc://`): all messages are plain tasks then.
    var recording: (any JobRecording)?
    /// Counts how often a message lost its worker; nil without Redis: nothing is poison then.
    var redis: (any RedisClient)?
    /// Keeps the messages of long tasks; nil where the broker has all the patience. With RabbitMQ and `redis` the worker
    /// makes one itself, and runs it.
    var keeper: (any DeliveryKeeper)?
    /// Runs the tasks, `concurrency` of them at once. See `WorkerPoolConfiguration.worker(_:)`.
    var executor: any JobExecutor
    /// The executor, if it is real processes: these begin a task without any waiting in between.
    var pool: WorkerPool?
    var codec: any JobCodec
    var jobs: [JobDefinition]
    /// `queues` must not be empty.
    var options: JobWorkerOptions
    var identity: WorkerIdentity
    /// Shared with remote control, which fills it.
    var revoked: RevokedTasks
    /// What is waited for before messages are taken.
    var greeted: AsyncLatch<Void>?
    var events: any WorkerEvents
    var settings = WorkerSettings()
    var logger: Logger

    /// How many tasks run at once.
    var concurrency: Int { max(1, options.concurrency ?? executor.maximumConcurrency) }
}

/// What of a worker's ways its options do not say.
struct WorkerSettings: Sendable {
    /// How often a message may lose its worker before it is poison.
    var maximumLosses = 3
    /// After this time the message of a running task is given to the keeper.
    var handOver = Duration.seconds(600)
    /// What stands before the site's own keys in Redis.
    var keyPrefix = "dash:"
    /// After this time without a word a worker counts as dead.
    var lease = Duration.seconds(6)
    /// For how long a worker that stops at once tries to tell what it has to tell.
    var coldPatience = Duration.seconds(3)
    /// What remote control shows as Celery's settings, besides those that the worker knows.
    var shown = JSONObject()
}
