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
    let finisher: Finisher
    let canvas: CanvasRunner
    let machine: Mutex<WorkerMachine>
    let birth = ContinuousClock.now
    /// Where all that the worker does is done, if it can be: beside the processes' sockets and the connection to Redis, so
    /// that hardly anything is handed from thread to thread.
    let loop: any EventLoop
    private let work: AsyncStream<Work>
    private let worker: AsyncStream<Work>.Continuation
    /// Given when messages are wanted.
    let hunger = AsyncSignal()
    private let drained = AsyncLatch<Void>()

    /// What takes time and is done for itself.
    enum Work: Sendable {
        case run(HeldTask)
        case conclude(HeldTask, RunEnd, Duration)
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
        finisher = Finisher(parts, consumer, loop)
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
        let (actions, isHungry) = machine.withLock { machine in
            let actions = event(&machine, time)
            let isHungry = machine.isFetcherWaiting && machine.wantsMessages
            if isHungry { machine.isFetcherWaiting = false }
            return (actions, isHungry)
        }
        for action in actions { perform(action) }
        if isHungry { hunger.signal() }
    }

    func perform(_ action: WorkerAction) {
        switch action {
        case .begin(let task): if !runAtOnce(task) { add(.run(task)) }
        case .drop(let task, _, let reason): add(.drop(task, reason))
        case .settle(let delivery, let settlement): finisher.add(TaskEnd(delivery, settlement))
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
