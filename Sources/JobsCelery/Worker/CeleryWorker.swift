import CeleryProtocol
import DashJSON
import Jobs
import Logging
import RedisClient
import ServiceLifecycle
import Support

/// A worker: takes messages from queues, runs their tasks in an executor, and reports their completions.
///
/// A graceful shutdown is Celery's warm one: the worker stops fetching, running tasks complete, and all other messages
/// are requeued. A cancellation is the cold one: running tasks are killed and requeued too. Remote control's `shutdown`
/// makes ``run()`` return. ``WorkerServices`` runs a worker together with the services that it needs.
final class CeleryWorker: Service {
    /// For remote control.
    let control: WorkerControl
    private let driver: WorkerDriver
    private let table: TaskTable
    private let tasks: TaskRunner
    /// Nil without records.
    private let jobs: JobRunner?

    /// Makes a worker. ``run()`` connects it and starts its processes.
    ///
    /// - Throws: `CeleryError.option` for invalid options.
    init(_ parts: CeleryWorkerParts) throws {
        table = TaskTable(parts.jobs)
        driver = try WorkerDriver(parts.withVault, table)
        tasks = TaskRunner(driver)
        jobs = parts.recording.map { [driver] in JobRunner(driver, $0) }
        control = WorkerControl(driver, table)
    }

    var parts: CeleryWorkerParts { driver.parts }
    /// The services that only it needs; each is started before the next, and all before the worker.
    var services: [any Service] { driver.services }
    /// Where it runs, and where its services should.
    var executor: LoopExecutor { driver.executor }

    /// Keeps the worker's lease in the job records, and one at its broker if the broker detects dead workers by leases.
    ///
    /// - Parameter redis: Connection options for the Redis of the records.
    func liveness(_ records: JobRecords, on redis: RedisOptions) -> WorkerLiveness {
        driver.liveness(records, on: redis)
    }

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                // Not a child task: the handlers stop it in order, and a cancellation must not interrupt it.
                await Task(executorPreference: self.executor) { await self.work() }.value
            } onGracefulShutdown: {
                self.driver.stopWarm()
            }
        } onCancel: {
            stopCold()
        }
    }

    /// Stops at once.
    func stopCold() { driver.stopCold() }

    private func work() async {
        async let reporting: Void = driver.reportCompletions()
        async let working: Void = driver.doWork { await self.perform($0) }
        // Both are cancelled when the rest has ended.
        async let _: Void = fetch()
        async let _: Void? = jobs?.observeCancellations()
        await driver.drained()
        driver.finishWork()
        await working
        driver.finishReporting()
        await reporting
    }

    private func perform(_ item: WorkerDriver.Work) async {
        switch item {
        case .run(let task):
            if let jobs, let id = task.record { await jobs.run(task, id) } else { await tasks.run(task) }
        case .drop(let task, let reason):
            if let jobs, let id = task.record { await jobs.run(task, id) } else { await tasks.drop(task, reason) }
        case .conclude(let task, let end, let runtime): await tasks.conclude(task, end, runtime)
        case .refuse(let task): await tasks.refuse(task)
        case .markRevoked(let ids): await control.markRevoked(ids)
        case .handOver(let task, let delivery): await handOver(task, delivery)
        }
    }

    // MARK: Arrivals

    private static let fetchLimit = 100

    /// Fetches messages until the consumer has ended.
    private func fetch() async {
        await parts.greeted?.passed()
        while true {
            let deliveries = await driver.fetch(upTo: Self.fetchLimit)
            guard !deliveries.isEmpty else { return }
            for delivery in deliveries { receive(delivery) }
        }
    }

    private func receive(_ delivery: Delivery) {
        let message: TaskMessage
        do {
            message = try TaskMessage(delivery.task)
        } catch {
            return driver.add(.refuse(RefusedTask(unreadable: delivery, because: error)))
        }
        let record = jobs == nil || message.custom["dash"] == nil ? nil : JobID(message.id)
        guard let job = table[task: message.task] ?? record.map({ _ in .unknown(message.task) }) else {
            return driver.add(.refuse(RefusedTask(unknown: message, delivery)))
        }
        driver.parts.events.send(.received(message))
        driver.handle { machine, time in
            let number = machine.nextNumber()
            let task = HeldTask(number: number, delivery: delivery, message: message, job: job, record: record)
            return machine.received(task, at: time)
        }
    }

    // MARK: Hand over

    /// Copies a message to the vault and acknowledges it, before the broker's acknowledgement timeout.
    private func handOver(_ task: HeldTask, _ delivery: Delivery) async {
        guard let vault = parts.vault else { return }
        do {
            try await vault.keep(delivery)
        } catch {
            parts.logger.warning(
                "The message of a long task could not be copied to the vault; will retry.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
            await pause(.seconds(5))
            return driver.handle { machine, _ in machine.handOverFailed(task) }
        }
        let isKept = driver.handle { machine, _ in
            let actions = machine.handedOver(task, delivery)
            return (actions != nil, actions ?? [])
        }
        // The task completed meanwhile: its removal from the vault may have preceded the copy.
        if !isKept { driver.report(TaskCompletion(delivery, .acknowledged, vault: vault)) }
    }
}

/// A message that cannot be run here.
struct RefusedTask: Sendable {
    var delivery: Delivery
    /// Nil if it could not be read.
    var id: String?
    var message: TaskMessage?
    var exception: TaskException

    /// The task is not registered here.
    init(unknown message: TaskMessage, _ delivery: Delivery) {
        self.delivery = delivery
        self.message = message
        id = message.id
        exception = .notRegistered(message.task)
    }

    /// The message cannot be read.
    init(unreadable delivery: Delivery, because error: CeleryError) {
        self.delivery = delivery
        id = error.taskID
        exception = TaskException(error)
    }
}

extension JobDefinition {
    /// A Dash job whose task is not registered here; its record may still name a known job.
    fileprivate static func unknown(_ task: String) -> JobDefinition {
        JobDefinition(name: "", taskName: task, version: "")
    }
}
