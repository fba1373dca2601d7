import CeleryProtocol
import Jobs
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// Drives a ``WorkerMachine``: passes it events, performs the actions that follow, and answers questions about its
/// state. All parts of a worker share it, and only it touches the machine.
final class WorkerDriver: Sendable {
    /// Work that takes time, for a task of its own.
    enum Work: Sendable {
        case run(HeldTask)
        case conclude(HeldTask, RunOutcome, Duration)
        case drop(HeldTask, DropReason)
        case refuse(RefusedTask)
        case markRevoked([String])
        case handOver(HeldTask, Delivery)
    }

    let parts: CeleryWorkerParts
    private let consumer: any CeleryConsumer
    private let canvas: CanvasRunner
    /// Where the worker's tasks run. It also serves the sockets of the processes and of Redis, which saves thread
    /// switches.
    private let loop: any EventLoop
    /// What ``add(_:)`` adds.
    private let work: AsyncStream<Work>

    private let machine: Mutex<WorkerMachine>
    private let reporter: CompletionReporter
    private let workQueue: AsyncStream<Work>.Continuation
    /// Signalled when messages are wanted.
    private let demand = AsyncSignal()
    private let isDrained = AsyncLatch<Void>()

    /// - Throws: `CeleryError.option` for invalid options.
    init(_ parts: CeleryWorkerParts, _ tasks: TaskTable) throws {
        let machine = WorkerMachine(parts)
        self.parts = parts
        self.machine = Mutex(machine)
        consumer = try parts.broker.makeConsumer(
            parts.identity,
            queues: parts.options.queues,
            prefetch: machine.prefetch
        )
        canvas = CanvasRunner(parts, tasks)
        loop = parts.pool?.loop ?? MultiThreadedEventLoopGroup.singleton.next()
        reporter = CompletionReporter(parts, consumer, loop)
        (work, workQueue) = AsyncStream.makeStream()
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
        for action in actions { perform(action) }
        if wakesFetcher { demand.signal() }
        return value
    }

    private func perform(_ action: WorkerAction) {
        switch action {
        case .begin(let task): if !TaskRunner(self).submit(task) { add(.run(task)) }
        case .drop(let task, _, let reason): add(.drop(task, reason))
        case .settle(let delivery, let settlement): report(TaskCompletion(delivery, settlement))
        case .forget(let delivery): consumer.settled(delivery)
        case .stop(let id, let force): stop(id, force)
        case .handOver(let task, let delivery): add(.handOver(task, delivery))
        case .wake(let instant): wake(at: instant)
        case .resize(let slots, let prefetch):
            parts.executor.resize(slots)
            consumer.setPrefetch(prefetch)
        case .limit(let prefetch): consumer.setPrefetch(prefetch)
        case .stopFetching: consumer.stopFetching()
        case .drained: isDrained.open()
        }
    }

    private func stop(_ id: String, _ force: StopForce) {
        switch force {
        case .interrupt: parts.executor.interrupt(id)
        case .cancel: parts.executor.cancel(id)
        case .kill: parts.executor.kill(id)
        }
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

    /// Stops when the running tasks have ended.
    func stopWarm() {
        parts.logger.info("The worker stops when its running tasks have ended.")
        handle { machine, _ in machine.stopWarm() }
    }

    /// Stops at once.
    func stopCold() {
        parts.logger.info("The worker stops at once.")
        reporter.hurry(patience: parts.settings.coldPatience)
        handle { machine, _ in machine.stopCold() }
    }

    // MARK: State

    var phase: WorkerMachine.Phase { machine.withLock { $0.phase } }
    var load: WorkerLoad { machine.withLock { $0.load } }
    var slots: Int { machine.withLock { $0.slots } }

    func mayRun(_ task: HeldTask) -> Bool { machine.withLock { $0.mayRun(task) } }
    func isEnding(_ task: HeldTask) -> Bool { machine.withLock { $0.isEnding(task) } }
    func delivery(of task: HeldTask) -> Delivery { machine.withLock { $0.delivery(of: task) } }

    /// The consumed queues.
    var queues: [String] { consumer.queues }

    func setTimeLimit(soft: Double?, hard: Double?, of task: String) {
        machine.withLock { $0.setTimeLimit(soft: soft, hard: hard, of: task) }
    }

    func snapshot(of names: [String]) -> WorkerSnapshot {
        machine.withLock { $0.snapshot(of: names, at: WorkerTime.now.wall) }
    }

    /// Waits until messages are wanted, and fetches them.
    ///
    /// - Returns: No messages when the consumer has ended.
    func fetch(upTo limit: Int) async -> [Delivery] {
        while !machine.withLock({ $0.startFetching() }) { await demand.wait() }
        let deliveries = await consumer.fetch(upTo: limit)
        machine.withLock { $0.fetched() }
        return deliveries
    }

    /// Waits until no message is held and none will be.
    func drained() async { await isDrained.passed() }

    // MARK: The event loop

    var isInEventLoop: Bool { loop.inEventLoop }

    /// The executor of the worker's own work, and of the services that it needs.
    var executor: LoopExecutor { LoopExecutor(home: loop) }

    /// Runs a closure on the event loop, later.
    func execute(_ body: @escaping @Sendable () -> Void) { loop.execute(body) }

    // MARK: Queues

    func consume(queue: String) async throws { try await consumer.add(queue: queue) }

    func cancel(queue: String) async throws { try await consumer.cancel(queue: queue) }

    // MARK: Work and completions

    func add(_ item: Work) { workQueue.yield(item) }

    /// Performs what ``add(_:)`` adds, each in a task of its own, until ``finishWork()``.
    func doWork(_ perform: @escaping @Sendable (Work) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await item in work { group.addTask { await perform(item) } }
        }
    }

    func finishWork() { workQueue.finish() }

    /// Reports completions until all are reported after ``finishReporting()``.
    func reportCompletions() async {
        await reporter.run { number in self.handle { machine, _ in machine.completed(number) } }
    }

    func finishReporting() { reporter.finish() }

    func report(_ completion: TaskCompletion) { reporter.add(completion) }

    /// The record has settled the message of a task.
    func settledByRecord(_ task: HeldTask) { consumer.settled(delivery(of: task)) }

    /// Stores the meta of a completion, and returns when that is done.
    func store(_ completion: TaskCompletion) async { await reporter.store(completion) }

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

// MARK: - What runs beside the driver

extension WorkerDriver {
    /// The services of the worker itself: the vault, the consumer and the executor.
    var services: [any Service] {
        let vault: [any Service] = parts.vault.map { [$0] } ?? []
        return vault + [EndingService(service: consumer), parts.executor]
    }

    /// Sends what follows the worker's tasks.
    var followUps: FollowUps { FollowUps(self, canvas) }

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
}

/// Cancels a service at a graceful shutdown that would otherwise run until its task is cancelled.
private struct EndingService: Service {
    let service: any Service

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.service.run() }
    }
}

extension WorkerMachine {
    fileprivate init(_ parts: CeleryWorkerParts) {
        let options = parts.options
        self.init(
            slots: parts.concurrency,
            prefetchMultiplier: options.prefetchMultiplier,
            limits: RunLimits(
                soft: options.softTimeLimit.map { $0 / .seconds(1) },
                hard: options.timeLimit.map { $0 / .seconds(1) }
            ),
            handOverAfter: parts.vault == nil ? nil : parts.settings.handOver,
            revoked: parts.revoked
        )
    }
}
