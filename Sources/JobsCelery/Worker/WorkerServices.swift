import DashJSON
import Jobs
import Logging
import RedisClient
import ServiceLifecycle
import Support

/// A worker and the services that it depends on.
struct WorkerServices: Service {
    let worker: CeleryWorker
    private let services: [any Service]

    /// - Parameters:
    ///   - worker: The worker; its consumer, vault and executor are run too.
    ///   - services: Each is started before the next and stopped after it: liveness, connections, broker, control.
    init(_ worker: CeleryWorker, on services: [any Service]) {
        self.worker = worker
        self.services = services
    }

    func run() async throws {
        let logger = Logger(label: "worker-services") { _ in SwiftLogNoOpLogHandler() }
        let configuration = (services + worker.services + [worker]).map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0,
                successTerminationBehavior: .gracefullyShutdownGroup
            )
        }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: configuration, logger: logger))
        // Not a child task: a cancellation stops the worker, which still needs its services then.
        let running = Task(executorPreference: worker.executor) { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            worker.stopCold()
        }
    }
}

extension WorkerPoolConfiguration {
    /// The processes of a worker: one for each concurrent task, all of them kept ready.
    func worker(_ options: JobWorkerOptions) -> WorkerPoolConfiguration {
        var configuration = self
        configuration.workers = max(1, options.concurrency ?? warm)
        configuration.warm = configuration.workers
        configuration.maxTasksPerChild = options.maxTasksPerChild
        return configuration
    }
}

/// The dependencies of a worker.
struct CeleryWorkerParts: Sendable {
    var broker: any CeleryBroker
    /// The results of plain tasks.
    var results: any ResultStore
    /// The records of Dash jobs; nil where there are none (`rpc://`) and all messages are plain tasks.
    var recording: (any JobRecording)?
    /// Counts the lost attempts of a task; nil without Redis, where no task is quarantined.
    var redis: (any RedisClient)?
    /// Keeps the messages of long tasks; nil where the broker has no acknowledgement timeout. With RabbitMQ and `redis`
    /// the worker makes one.
    var vault: (any DeliveryVault)?
    /// Runs at most `concurrency` tasks at once. See `WorkerPoolConfiguration.worker(_:)`.
    var executor: any JobExecutor
    /// The executor if it is a pool of processes, which begins a task without suspending.
    var pool: WorkerPool?
    var codec: any JobCodec
    var jobs: [JobDefinition]
    /// `queues` must not be empty.
    var options: JobWorkerOptions
    var identity: WorkerIdentity
    /// Filled by remote control.
    var revoked: RevokedTasks
    /// Opened when messages may be taken.
    var greeted: AsyncLatch<Void>?
    var events: any WorkerEvents
    var settings = WorkerSettings()
    var logger: Logger
}

/// Settings of a worker beside its options.
struct WorkerSettings: Sendable {
    /// The message of a running task is moved to the vault after this time.
    var handOver = Duration.seconds(600)
    /// The prefix of the site's own keys in Redis.
    var keyPrefix = "dash:"
    /// A worker that does not renew its lease for this time counts as dead.
    var lease = Duration.seconds(6)
    /// Settings for remote control, by Celery's names, beside those that the worker knows.
    var shown = JSONObject()
}
