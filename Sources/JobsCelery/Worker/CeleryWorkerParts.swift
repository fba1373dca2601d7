import Jobs
import Logging
import ServiceLifecycle

/// What a worker is made of.
struct CeleryWorkerParts: Sendable {
    /// Run by the worker, like `executor` and `services`: before it fetches, and until all its tasks are told of.
    var broker: any CeleryBroker
    /// The records of Dash jobs; nil where there are none (`rpc://`): all messages are plain tasks then.
    var recording: (any JobRecording)?
    /// Counts how often a message lost its worker; nil without Redis: nothing is poison then.
    var redis: (any RedisClient)?
    /// Runs the tasks, `concurrency` of them at once.
    var executor: any JobExecutor
    var codec: any JobCodec
    var jobs: [JobDefinition]
    /// `queues` must not be empty.
    var options: JobWorkerOptions
    var identity: WorkerIdentity
    /// Shared with remote control, which fills it.
    var revoked: RevokedTasks
    var events: any WorkerEvents
    /// All else that must stand as long as the worker works, each started before the next and stopped after it:
    /// connections, leases, remote control, heartbeats.
    var services: [any Service] = []
    var logger: Logger

    /// How many messages are held at once.
    var prefetch: Int { concurrency * max(1, options.prefetchMultiplier) }

    /// How many tasks run at once.
    var concurrency: Int { max(1, options.concurrency ?? executor.maximumConcurrency) }
}
