import DashJSON
import Jobs
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Support
import Synchronization

/// A worker: takes messages from queues, runs their tasks in an executor, and tells what became of them.
///
/// A graceful shutdown is Celery's warm one: nothing is fetched any more, the tasks that run end, the rest goes back to its
/// queue. A cancellation is the cold one: the tasks that run are killed and go back too. Remote control's `shutdown` makes
/// ``run()`` return by itself. It is run with what it needs by ``WorkerServices``.
final class CeleryWorker: Service {
    let parts: CeleryWorkerParts
    let consumer: any CeleryConsumer
    let tasks: TaskTable
    let finisher: CompletionReporter
    let canvas: CanvasRunner
    let machine: Mutex<WorkerMachine>
    let birth = ContinuousClock.now
    /// Where all that the worker does is done, if it can be: beside the processes' sockets and the connection to Redis, so
    /// that hardly anything is handed from thread to thread.
    let loop: any EventLoop
    private let work: AsyncStream<Work>
    private let worker: AsyncStream<Work>.Continuation
    /// Given when messages are wanted.
    let demand = AsyncSignal()
    private let drained = AsyncLatch<Void>()

    /// What takes time and is done for itself.
    enum Work: Sendable {
        case run(HeldTask)
        case conclude(HeldTask, RunOutcome, Duration)
        case drop(HeldTask, DropReason)
        case refuse(RefusedTask)
        case markRevoked([String])
        case handOver(HeldTask, Delivery)
    }

    /// Makes a worker; nothing is connected and no process started before ``run()``.
    ///
    /// - Throws: `CeleryError.option` for options that cannot be.
    init(_ parts: CeleryWorkerParts) throws {
        let parts = parts.keepingLongTasks
        let machine = WorkerMachine(parts)
        self.parts = parts
        self.machine = Mutex(machine)
        consumer = try parts.broker.makeConsumer(
            parts.identity,
            queues: parts.options.queues,
            prefetch: machine.prefetch
        )
        tasks = TaskTable(parts.jobs)
        canvas = CanvasRunner(parts, tasks)
        loop = parts.pool?.loop ?? MultiThreadedEventLoopGroup.singleton.next()
        finisher = CompletionReporter(parts, consumer, loop)
        (work, worker) = AsyncStream.makeStream()
    }

    func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                // Not a child task: it is stopped in order, by the handlers, and never cut off.
                await Task(executorPreference: LoopExecutor(home: self.loop)) { await self.work() }.value
            } onGracefulShutdown: {
                self.stopWarm()
            }
        } onCancel: {
            stopCold()
        }
    }

    private func work() async {
        async let finishing: Void = finisher.run { number in self.handle { machine, _ in machine.ended(number) } }
        async let working: Void = doWork()
        // These two are cancelled when all else has ended.
        async let _: Void = fetch()
        async let _: Void = hearCancellations()
        await drained.passed()
        worker.finish()
        await working
        finisher.finish()
        await finishing
    }

    private func doWork() async {
        await withDiscardingTaskGroup { group in
            for await item in work {
                group.addTask { await self.perform(item) }
            }
        }
    }

    private func perform(_ item: Work) async {
        switch item {
        case .run(let task): await run(task)
        case .conclude(let task, let end, let runtime): await conclude(task, end, runtime)
        case .drop(let task, let reason): await drop(task, reason)
        case .refuse(let task): await refuse(task)
        case .markRevoked(let ids): await markRevoked(ids)
        case .handOver(let task, let delivery): await handOver(task, delivery)
        }
    }

    /// Has something done that takes time.
    func add(_ item: Work) { worker.yield(item) }

    /// Lets something happen to the machine and does what follows from it.
    func handle(_ event: (inout WorkerMachine, WorkerTime) -> [WorkerAction]) {
        let time = WorkerTime.now
        let (actions, needsMessages) = machine.withLock { machine in
            let actions = event(&machine, time)
            let needsMessages = machine.isFetcherWaiting && machine.wantsMessages
            if needsMessages { machine.isFetcherWaiting = false }
            return (actions, needsMessages)
        }
        for action in actions { perform(action) }
        if needsMessages { demand.signal() }
    }

    func perform(_ action: WorkerAction) {
        switch action {
        case .begin(let task): if !runAtOnce(task) { add(.run(task)) }
        case .drop(let task, _, let reason): add(.drop(task, reason))
        case .settle(let delivery, let settlement): finisher.add(TaskCompletion(delivery, settlement))
        case .forget(let delivery): consumer.settled(delivery)
        case .stop(let id, let force): stop(id, force)
        case .handOver(let task, let delivery): add(.handOver(task, delivery))
        case .wake(let instant): wake(at: instant)
        case .resize(let slots, let prefetch):
            parts.executor.resize(slots)
            consumer.setPrefetch(prefetch)
        case .limit(let prefetch): consumer.setPrefetch(prefetch)
        case .stopFetching: consumer.stopFetching()
        case .drained: drained.open()
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

    /// Stops when the running tasks have ended.
    func stopWarm() {
        parts.logger.info("The worker stops when its running tasks have ended.")
        handle { machine, _ in machine.stopWarm() }
    }

    /// Stops at once.
    func stopCold() {
        parts.logger.info("The worker stops at once.")
        finisher.hurry(patience: parts.settings.coldPatience)
        handle { machine, _ in machine.stopCold() }
    }
}

extension WorkerMachine {
    init(_ parts: CeleryWorkerParts) {
        let options = parts.options
        self.init(
            slots: parts.concurrency,
            prefetchMultiplier: options.prefetchMultiplier,
            limits: RunLimits(
                soft: options.softTimeLimit.map { $0 / .seconds(1) },
                hard: options.timeLimit.map { $0 / .seconds(1) }
            ),
            handOverAfter: parts.keeper == nil ? nil : parts.settings.handOver,
            revoked: parts.revoked
        )
    }
}

extension WorkerTime {
    /// The present moment.
    static var now: WorkerTime { WorkerTime(instant: .now, wall: WallClock.milliseconds()) }
}

// MARK: - Arrivals

extension CeleryWorker {
    /// Takes messages until the consumer has ended.
    func fetch() async {
        await parts.greeted?.passed()
        while true {
            while !wantsMessages() { await demand.wait() }
            let deliveries = await consumer.fetch(upTo: Self.mostAtOnce)
            machine.withLock { $0.isFetching = false }
            guard !deliveries.isEmpty else { return }
            for delivery in deliveries { receive(delivery) }
        }
    }

    /// Whether to fetch; if not, `demand` tells when.
    private func wantsMessages() -> Bool {
        machine.withLock { machine in
            machine.isFetching = machine.wantsMessages
            machine.isFetcherWaiting = !machine.isFetching
            return machine.isFetching
        }
    }

    private static let mostAtOnce = 100

    private func receive(_ delivery: Delivery) {
        let message: TaskMessage
        do {
            message = try TaskMessage(delivery.task)
        } catch {
            return add(.refuse(RefusedTask(unreadable: delivery, because: error)))
        }
        let record = parts.recording == nil || message.custom["dash"] == nil ? nil : JobID(message.id)
        guard let job = tasks[task: message.task] ?? record.map({ _ in .unknown(message.task) }) else {
            return add(.refuse(RefusedTask(unknown: message, delivery)))
        }
        parts.events.tell(.received(ReceivedTask(message)))
        handle { machine, time in
            let number = machine.nextNumber()
            let task = HeldTask(number: number, delivery: delivery, message: message, job: job, record: record)
            return machine.received(task, at: time)
        }
    }

    /// Tells that a task is not run.
    func drop(_ task: HeldTask, _ reason: DropReason) async {
        if let id = task.record, let recording = parts.recording { return await runJob(task, id, recording) }
        let isExpired = reason == .expired
        let exception = TaskException.revoked(isExpired ? "expired" : "revoked")
        let conclusion = conclusion(of: task, .revoked(exception), .revoked, RawJSON(exception)) {
            .revoked(id: task.id, terminated: false, signal: nil, expired: isExpired)
        }
        await conclude(task, conclusion)
    }

    /// Refuses a message for good, with a reason for whoever sent it.
    func refuse(_ refused: RefusedTask) async {
        let delivery = refused.delivery
        parts.logger.warning(
            "A message was refused: \(refused.exception.repr)",
            metadata: ["task-id": "\(refused.id ?? "unknown")", "queue": "\(delivery.queue)"]
        )
        var meta: ResultMeta?
        if let id = refused.id, refused.message?.ignoresResult != true {
            meta = ResultMeta(taskID: id, .failure, exception: refused.exception, now: WorkerTime.now.wall)
            meta?.replyTo = delivery.task.replyTo
            meta?.groupID = refused.message?.group
            meta?.parentID = refused.message?.parentID
        }
        var event: (@Sendable () -> TaskEvent)?
        if let id = refused.id {
            event = { .failed(id: id, exception: refused.exception.repr, traceback: nil) }
        }
        let end = TaskCompletion(delivery, .rejected, meta: meta, event: event)
        guard let message = refused.message else { return finisher.add(end) }
        await conclude(message, .failure(refused.exception, traceback: nil), end)
    }
}

/// A message that cannot be run here.
struct RefusedTask: Sendable {
    var delivery: Delivery
    /// As far as it is known.
    var id: String?
    var message: TaskMessage?
    var exception: TaskException

    /// Its task is not known here.
    init(unknown message: TaskMessage, _ delivery: Delivery) {
        self.delivery = delivery
        self.message = message
        id = message.id
        exception = .notRegistered(message.task)
    }

    /// It cannot be read.
    init(unreadable delivery: Delivery, because error: CeleryError) {
        self.delivery = delivery
        id = error.taskID
        exception = TaskException(error)
    }
}

extension JobDefinition {
    /// A Dash job whose task is not known here, which its record may know better.
    fileprivate static func unknown(_ task: String) -> JobDefinition {
        JobDefinition(name: "", taskName: task, version: "")
    }
}

extension ReceivedTask {
    init(_ message: TaskMessage) {
        self.init(
            id: message.id,
            name: message.task,
            arguments: message.argumentsRepr ?? PythonRepr.ofArguments(message.arguments),
            kwargs: message.keywordsRepr ?? PythonRepr.of(message.kwargs),
            rootID: message.rootID,
            parentID: message.parentID,
            retries: message.retries,
            eta: message.eta.map { ISO8601.text($0) },
            expires: message.expires.map { ISO8601.text($0) }
        )
    }
}

// MARK: - Hand over

extension CeleryWorker {
    /// Has a message kept in another place, and acknowledges it to the broker, whose patience ends soon.
    func handOver(_ task: HeldTask, _ delivery: Delivery) async {
        guard let keeper = parts.keeper else { return }
        do {
            try await keeper.keep(delivery)
        } catch {
            parts.logger.warning(
                "A long task's message could not be kept elsewhere; it is tried again.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
            await pause(.seconds(5))
            return handle { machine, _ in machine.handOverFailed(task) }
        }
        var isKept = true
        handle { machine, _ in
            let actions = machine.handedOver(task, delivery)
            isKept = actions != nil
            return actions ?? []
        }
        // Its end told the keeper to forget it, perhaps before it was there to be forgotten.
        if !isKept { finisher.add(TaskCompletion(delivery, .acknowledged, keeper: keeper)) }
    }
}

// Messages that end their workers: counted in Redis, as whoever counted here would be gone.
extension CeleryWorker {
    /// How often a task was begun before and lost its worker. It is counted as begun once more.
    func losses(of task: HeldTask) async -> Int {
        guard task.delivery.isRedelivered, let redis = parts.redis else { return 0 }
        do {
            let answers = try await redis.send([
                RedisCommand("INCR", Self.key(of: task)), RedisCommand("EXPIRE", Self.key(of: task), 86_400),
            ])
            if case .integer(let count)? = answers.first { return count }
        } catch {
            parts.logger.warning(
                "It could not be counted how often a task lost its worker.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
        }
        return 1
    }

    /// A task came to an end of some sort.
    func forgetLosses(of task: HeldTask) async {
        guard let redis = parts.redis else { return }
        // If this fails the count goes by itself, after a day.
        _ = try? await redis.send([RedisCommand("DEL", Self.key(of: task))])
    }

    private static func key(of task: HeldTask) -> String { "dash:begun:\(task.id)" }
}
