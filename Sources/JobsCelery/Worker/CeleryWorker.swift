import CeleryProtocol
import DashJSON
import Jobs
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// A worker: takes messages from queues, runs their tasks in an executor, and reports their completions.
///
/// A graceful shutdown is Celery's warm one: the worker stops fetching, running tasks complete, and all other messages
/// are requeued. A cancellation is the cold one: running tasks are killed and requeued too. Remote control's `shutdown`
/// makes ``run()`` return. ``WorkerServices`` runs a worker together with the services that it needs.
///
/// Drives a ``WorkerMachine``, which only it touches: passes it events, and performs the actions that follow.
final class CeleryWorker: Service {
    let parts: CeleryWorkerParts
    /// Sends what follows the worker's tasks.
    let canvas: CanvasRunner
    /// By their names on the queue.
    private let jobs: [String: JobDefinition]
    private let consumer: any CeleryConsumer
    /// Where the worker's tasks run. It also serves the sockets of the processes and of Redis, which saves thread
    /// switches.
    private let loop: any EventLoop
    private let machine: Mutex<WorkerMachine>
    private let reporter: CompletionReporter
    private let work = AsyncStream<@Sendable () async -> Void>.makeStream()
    /// Signalled when messages are wanted.
    private let demand = AsyncSignal()
    private let isDrained = AsyncLatch<Void>()
    private let birth = ContinuousClock.now

    /// Makes a worker. ``run()`` connects it and starts its processes.
    ///
    /// - Throws: `CeleryError.option` for invalid options.
    init(_ parts: CeleryWorkerParts) throws {
        var parts = parts
        if parts.vault == nil, let redis = parts.redis, parts.broker.limitsAcknowledgementTime {
            parts.vault = MessageVault(parts, redis)
        }
        let (machine, queues) = (WorkerMachine(parts), parts.options.queues)
        consumer = try parts.broker.makeConsumer(parts.identity, queues: queues, prefetch: machine.prefetch)
        loop = parts.pool?.loop ?? MultiThreadedEventLoopGroup.singleton.next()
        reporter = CompletionReporter(parts, consumer, loop)
        canvas = CanvasRunner(parts)
        jobs = Dictionary(parts.jobs.map { ($0.taskName, $0) }) { first, _ in first }
        self.machine = Mutex(machine)
        self.parts = parts
    }

    // MARK: Services

    /// The services that only it needs; each is started before the next, and all before the worker.
    var services: [any Service] {
        (parts.vault.map { [$0] } ?? []) + [EndingService(service: consumer), parts.executor]
    }

    /// Where it runs, and where its services should.
    var executor: LoopExecutor { LoopExecutor(home: loop) }

    /// Keeps the worker's lease in the job records, and one at its broker if the broker detects dead workers by leases.
    ///
    /// - Parameter redis: Connection options for the Redis of the records.
    func liveness(_ records: JobRecords, on redis: RedisOptions) -> WorkerLiveness {
        let (executor, consumer) = (parts.executor, consumer)
        return WorkerLiveness(
            parts.identity,
            leases: [WorkerLease(records, on: redis)] + (consumer.lease.map { [$0] } ?? []),
            terms: LivenessTerms(lease: records.settings.options.lease),
            loops: [loop],
            concurrency: { max(1, executor.maximumConcurrency) },
            logger: parts.logger,
            onLapse: { consumer.leaseLapsed($0) }
        )
    }

    // MARK: Running

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                // Not a child task: the handlers stop it in order, and a cancellation must not interrupt it.
                await Task(executorPreference: self.executor) { await self.runUntilDrained() }.value
            } onGracefulShutdown: {
                self.shutDown()
            }
        } onCancel: {
            stopCold()
        }
    }

    private func runUntilDrained() async {
        async let reporting: Void = reporter.run { number in self.handle { machine, _ in machine.completed(number) } }
        async let working: Void = withDiscardingTaskGroup { group in
            for await body in work.stream { group.addTask { await body() } }
        }
        // Both are cancelled when the rest has ended.
        async let _: Void = fetch()
        async let _: Void? = parts.recording.map { JobRunner(self, $0) }?.observeCancellations()
        await isDrained.passed()
        work.continuation.finish()
        await working
        reporter.finish()
        await reporting
    }

    /// Performs work in a task of its own.
    func perform(_ body: @escaping @Sendable () async -> Void) { work.continuation.yield(body) }

    var isInEventLoop: Bool { loop.inEventLoop }

    /// Runs a closure on the event loop, later.
    func execute(_ body: @escaping @Sendable () -> Void) { loop.execute(body) }

    /// Stops at once.
    func stopCold() {
        parts.logger.info("The worker stops at once.")
        reporter.hurry(patience: .seconds(3))
        handle { machine, _ in machine.stopCold() }
    }

    // MARK: Messages

    private static let fetchLimit = 100

    /// Fetches messages as they are wanted, until the consumer has ended.
    private func fetch() async {
        await parts.greeted?.passed()
        while true {
            while !machine.withLock({ $0.startFetching() }) { await demand.wait() }
            let deliveries = await consumer.fetch(upTo: Self.fetchLimit)
            machine.withLock { $0.fetched() }
            guard !deliveries.isEmpty else { return }
            for delivery in deliveries { receive(delivery) }
        }
    }

    private func receive(_ delivery: Delivery) {
        let message: TaskMessage
        do {
            message = try TaskMessage(delivery.task)
        } catch {
            return perform { await TaskRunner(self).refuse(delivery, error.taskID, nil, TaskException(error)) }
        }
        let record = parts.recording == nil || message.custom["dash"] == nil ? nil : JobID(message.id)
        // The record of a Dash job whose task is not registered here may still name a known job.
        let unknown = record.map { _ in JobDefinition(name: "", taskName: message.task, version: "") }
        guard let job = jobs[message.task] ?? unknown else {
            return perform {
                await TaskRunner(self).refuse(delivery, message.id, message, .notRegistered(message.task))
            }
        }
        parts.events.send(.received(message))
        handle { machine, time in
            let number = machine.nextNumber()
            let task = HeldTask(number: number, delivery: delivery, message: message, job: job, record: record)
            return machine.received(task, at: time)
        }
    }

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
            return handle { machine, _ in machine.handOverFailed(task) }
        }
        let isKept = handle { machine, _ in
            let actions = machine.handedOver(task, delivery)
            return (actions != nil, actions ?? [])
        }
        // The task completed meanwhile: its removal from the vault may have preceded the copy.
        if !isKept { report(TaskCompletion(delivery, .acknowledged, vault: vault)) }
    }

    // MARK: Events

    /// Passes an event to the machine and performs the actions that follow.
    func handle(_ event: (inout WorkerMachine, WorkerTime) -> [WorkerAction]) {
        handle { machine, time in ((), event(&machine, time)) }
    }

    /// The same for an event that also has a result.
    func handle<Value: Sendable>(_ event: (inout WorkerMachine, WorkerTime) -> (Value, [WorkerAction])) -> Value {
        let time = WorkerTime.now
        let (value, actions, wakesFetcher) = machine.withLock { machine in
            let (value, actions) = event(&machine, time)
            return (value, actions, machine.wakesFetcher())
        }
        for action in actions { take(action) }
        if wakesFetcher { demand.signal() }
        return value
    }

    private func take(_ action: WorkerAction) {
        switch action {
        case .begin(let task): if !runRecorded(task) { TaskRunner(self).begin(task) }
        case .drop(let task, let reason):
            if !runRecorded(task) { perform { await TaskRunner(self).drop(task, reason) } }
        case .settle(let delivery, let settlement): report(TaskCompletion(delivery, settlement))
        case .forget(let delivery): consumer.settled(delivery)
        case .stop(let id, .interrupt): parts.executor.interrupt(id)
        case .stop(let id, .cancel): parts.executor.cancel(id)
        case .stop(let id, .kill): parts.executor.kill(id)
        case .handOver(let task, let delivery): perform { await self.handOver(task, delivery) }
        case .wake(let instant): wake(at: instant)
        case .resize(let slots, let prefetch):
            parts.executor.resize(slots)
            consumer.setPrefetch(prefetch)
        case .limit(let prefetch): consumer.setPrefetch(prefetch)
        case .stopFetching: consumer.stopFetching()
        case .drained: isDrained.open()
        }
    }

    /// Runs the job of a task that has a record, or completes it if the task was dropped.
    private func runRecorded(_ task: HeldTask) -> Bool {
        guard let recording = parts.recording, let id = task.record else { return false }
        perform { await JobRunner(self, recording).run(task, id) }
        return true
    }

    private func wake(at instant: ContinuousClock.Instant) {
        let delay = max(.zero, ContinuousClock.now.duration(to: instant))
        loop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
            self?.handle { $0.timePassed(at: $1) }
        }
    }

    /// A process began a task.
    func started(_ task: HeldTask, _ process: Int32) {
        handle { $0.started(task, process: process, at: $1) }
        parts.events.send(.started(id: task.id))
    }

    /// A run ended, or will not begin: frees its slot.
    func finish(_ task: HeldTask, _ outcome: WorkerOutcome) -> RunOutcome {
        handle { $0.finished(task, outcome, at: $1) }
    }

    var phase: WorkerMachine.Phase { machine.withLock { $0.phase } }

    /// The jobs with a record whose attempts run here.
    var runningJobs: [JobID] { machine.withLock { $0.runningJobs } }

    func mayRun(_ task: HeldTask) -> Bool { machine.withLock { $0.mayRun(task) } }
    func isEnding(_ task: HeldTask) -> Bool { machine.withLock { $0.isEnding(task) } }
    func delivery(of task: HeldTask) -> Delivery { machine.withLock { $0.delivery(of: task) } }

    // MARK: Completions

    func report(_ completion: TaskCompletion) { reporter.add(completion) }

    /// Stores the meta of a completion, and returns when that is done.
    func store(_ completion: TaskCompletion) async { await reporter.store(completion) }

    /// The record has settled the message of a task.
    func settledByRecord(_ task: HeldTask) { consumer.settled(delivery(of: task)) }

    /// Reports the completion of a task.
    func complete(
        _ task: HeldTask,
        _ settlement: Settlement?,
        _ meta: ResultMeta? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) {
        report(completion(of: task, settlement, meta, event: event))
    }

    /// A completion that settles the message at its present place, the broker or the vault.
    func completion(
        of task: HeldTask,
        _ settlement: Settlement?,
        _ meta: ResultMeta? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) -> TaskCompletion {
        let (holding, isBusy) = machine.withLock { ($0.holding(of: task), $0.isBusy) }
        let delivery = holding?.delivery ?? task.delivery
        var completion = TaskCompletion(delivery, settlement, number: task.number, meta: meta, event: event)
        if let custody = holding?.custody, custody != .broker { completion.vault = parts.vault }
        completion.isInVault = holding?.isHandedOver == true
        completion.mayWait = isBusy
        return completion
    }
}

// MARK: - Remote control

extension CeleryWorker: ControlledWorker {
    var load: WorkerLoad { machine.withLock { $0.load } }

    func revoke(_ ids: [String]) async {
        let unknown = handle { machine, _ in machine.revoke(ids) }
        if !unknown.isEmpty { perform { await self.markRevoked(unknown) } }
    }

    /// Stores the state of revoked tasks that, as far as is known, no worker has begun.
    private func markRevoked(_ ids: [String]) async {
        let waiting: Set<TaskState> = [.pending, .received, .retry, TaskState(rawValue: "REJECTED")]
        do {
            let now = WorkerTime.now.wall
            for (id, stored) in zip(ids, try await parts.results.read(ids)) {
                guard waiting.contains(stored?.status ?? .pending) else { continue }
                try await parts.results.store(
                    ResultMeta(taskID: id, .revoked, exception: .revoked("revoked"), now: now)
                )
            }
        } catch {
            parts.logger.warning("The state of revoked tasks could not be stored.", metadata: ["error": "\(error)"])
        }
    }

    func terminate(_ ids: [String], signal: Int32) async -> [String] {
        handle { machine, _ in machine.terminate(ids, signal: signal) }
    }

    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool {
        guard jobs[task] != nil else { return false }
        handle { $0.setRateLimit(limit, of: task, at: $1) }
        return true
    }

    func setTimeLimits(_ limits: RunLimits, of task: String) async -> Bool {
        guard jobs[task] != nil else { return false }
        machine.withLock { $0.setTimeLimits(limits, of: task) }
        return true
    }

    func resizePool(by change: Int) async { handle { $0.resize(by: change, at: $1) } }

    func add(queue: String) async throws { try await consumer.add(queue: queue) }

    func cancel(queue: String) async throws { try await consumer.cancel(queue: queue) }

    func shutDown() {
        parts.logger.info("The worker stops when its running tasks have ended.")
        handle { machine, _ in machine.stopWarm() }
    }

    func snapshot() async -> WorkerSnapshot {
        var snapshot = machine.withLock { $0.snapshot(of: jobs.keys, at: WorkerTime.now.wall) }
        snapshot.processes = parts.executor.processes
        snapshot.maxTasksPerChild = parts.options.maxTasksPerChild
        snapshot.queues = consumer.queues
        snapshot.uptime = Int(birth.duration(to: .now) / .seconds(1))
        snapshot.settings = settings(concurrency: snapshot.concurrency)
        return snapshot
    }

    /// The settings, by Celery's names.
    private func settings(concurrency: Int) -> JSONObject {
        let options = parts.options
        var settings = parts.settings.shown
        settings["worker_concurrency"] = .int(concurrency)
        settings["worker_prefetch_multiplier"] = .int(options.prefetchMultiplier)
        settings["task_acks_late"] = true
        settings["task_track_started"] = .bool(options.tracksStarted)
        settings["worker_send_task_events"] = .bool(options.sendsEvents)
        if let most = options.maxTasksPerChild { settings["worker_max_tasks_per_child"] = .int(most) }
        if let limit = options.timeLimit { settings["task_time_limit"] = .double(limit / .seconds(1)) }
        if let limit = options.softTimeLimit { settings["task_soft_time_limit"] = .double(limit / .seconds(1)) }
        return settings
    }
}

/// Cancels a service at a graceful shutdown that would otherwise run until its task is cancelled.
private struct EndingService: Service {
    let service: any Service

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.service.run() }
    }
}
