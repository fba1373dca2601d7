import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Support

/// A worker and all that must stand as long as it works.
struct WorkerServices: Service {
    let worker: CeleryWorker
    private let services: [any Service]

    /// Puts a worker on its services.
    ///
    /// - Parameters:
    ///   - worker: The worker; its consumer and its executor are run here too.
    ///   - services: Each is started before the next and stopped after it: liveness, connections, broker, remote control.
    init(_ worker: CeleryWorker, on services: [any Service]) {
        self.worker = worker
        self.services = services
    }

    func run() async throws {
        let logger = Logger(label: "worker-services") { _ in SwiftLogNoOpLogHandler() }
        let consumer = EndingService(service: worker.consumer)
        let keeper: [any Service] = worker.parts.keeper.map { [$0] } ?? []
        let all = services + keeper + [consumer, worker.parts.executor, worker]
        let configuration = all.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0,
                successTerminationBehavior: .gracefullyShutdownGroup
            )
        }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: configuration, logger: logger))
        // Not a child task: a cancellation stops the worker, which has something to say to its services then.
        let running = Task(executorPreference: LoopExecutor(home: worker.loop)) { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            worker.stopCold()
        }
    }
}

/// Ends a service at a graceful shutdown that would go on until its task is cancelled.
private struct EndingService: Service {
    let service: any Service

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.service.run() }
    }
}

extension WorkerPoolConfiguration {
    /// The processes of a worker: as many as tasks run at once, all of them kept ready.
    func worker(_ options: JobWorkerOptions) -> WorkerPoolConfiguration {
        var configuration = self
        configuration.workers = max(1, options.concurrency ?? warm)
        configuration.warm = configuration.workers
        configuration.maxTasksPerChild = options.maxTasksPerChild
        return configuration
    }
}

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
    var keeper: (any DeliveryVault)?
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
