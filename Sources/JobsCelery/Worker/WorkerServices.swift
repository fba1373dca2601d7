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
