public import Logging
package import NIOCore
import NIOPosix
public import ServiceLifecycle
import Support
import Synchronization

/// Worker processes of an executable, each of which runs one task at a time.
///
/// There are always the `warm` ones; more are started while tasks wait, up to `workers`, and end again when they had
/// nothing to do for a while. A task that traps or exits ends its own process and no other: its failure tells signal,
/// message and backtrace, and another worker takes the place.
///
/// ```swift
/// let pool = WorkerPool(WorkerPoolConfiguration(), logger: logger)
/// async let service: Void = pool.run()
/// let outcome = await pool.execute(WorkerTask(id: "1", name: "sum", payload: [])) { update in print(update) }
/// ```
public final class WorkerPool: Service, Sendable {
    /// How the pool was set up.
    public let configuration: WorkerPoolConfiguration
    let logger: Logger
    /// What serves the workers' sockets.
    package let loop: any EventLoop
    let state: Mutex<State>

    /// What changes, under one lock.
    struct State: Sendable {
        var machine: PoolMachine
        var links: [WorkerID: WorkerLink] = [:]
        var waiters: [String: Waiter] = [:]
        var stopped: CheckedContinuation<Void, Never>?
    }

    /// Whoever waits for the outcome of a task.
    struct Waiter: Sendable {
        let onUpdate: @Sendable (WorkerUpdate) -> Void
        let onEnd: @Sendable (WorkerOutcome) -> Void
    }

    /// Makes a pool; no process is started before ``run()``. Tasks may be given to it already.
    ///
    /// - Parameters:
    ///   - configuration: How to start, keep and end the processes.
    ///   - logger: Where the workers' output and failed starts go.
    public init(_ configuration: WorkerPoolConfiguration = .init(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        loop = MultiThreadedEventLoopGroup.singleton.next()
        state = Mutex(State(machine: PoolMachine(limits: PoolLimits(configuration), now: .now)))
    }

    /// How many tasks can run at the same time.
    public var maximumConcurrency: Int { state.withLock { $0.machine.limits.workers } }

    /// The process ids of all living workers, sorted.
    public var processes: [Int32] { statistics.pids }

    /// What the pool is doing now.
    public var statistics: WorkerPoolStatistics {
        state.withLock { $0.machine.statistics }
    }

    /// Keeps the workers until the service is told to stop; when it returns, no process is left. Call it once.
    ///
    /// At a graceful shutdown no task is begun any more, those that wait end with ``WorkerOutcome/shutDown``, and so do
    /// running ones that are not done after the `shutdownGrace`. When the calling task is cancelled, all are killed at
    /// once.
    public func run() async throws {
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await withCheckedContinuation { continuation in
                    handle { state in
                        state.stopped = continuation
                        return state.machine.start(now: .now)
                    }
                }
            } onGracefulShutdown: {
                self.handle { $0.machine.stop(graceful: true) }
            }
        } onCancel: {
            handle { $0.machine.stop(graceful: false) }
        }
    }

    /// Runs a task in a worker, when one is free. Cancelling the calling Swift task has no effect: use ``cancel(_:)``.
    ///
    /// - Parameters:
    ///   - task: The task. One of the same id must not be waiting or running.
    ///   - onUpdate: Called in order, and never after this function returned. It is called on an event loop, so it must
    ///     not block.
    /// - Returns: How it ended; never before its process is dead, if it was killed.
    public func execute(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        await withCheckedContinuation { continuation in
            submit(task, onUpdate: onUpdate) { continuation.resume(returning: $0) }
        }
    }

    /// Runs a task as ``execute(_:onUpdate:)`` does, and calls back when it has ended, if need be within this call.
    ///
    /// - Parameters:
    ///   - task: The task. One of the same id must not be waiting or running.
    ///   - onUpdate: Called in order, and never after `onEnd`. It must not block.
    ///   - onEnd: Called once, where the end is noticed: mostly on the pool's event loop, before anything else is done there, so
    ///     that the next task can be on its way at once. It must not block.
    package func submit(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void,
        onEnd: @escaping @Sendable (WorkerOutcome) -> Void
    ) {
        var isDouble = false
        handle { state in
            isDouble = state.waiters[task.id] != nil
            if isDouble { return [] }
            state.waiters[task.id] = Waiter(onUpdate: onUpdate, onEnd: onEnd)
            return state.machine.submit(task, now: .now)
        }
        if isDouble { onEnd(.failed(.doubleTask(task.id))) }
    }

    /// Cancels a task. One that waits ends at once; one that runs is told, and after the `grace` all processes of its
    /// worker's group are killed. An unknown or ended task is no error.
    ///
    /// - Parameter taskID: The task's id.
    public func cancel(_ taskID: String) {
        handle { $0.machine.cancel(taskID) }
    }

    /// Cancels a task, but gives one that runs all the time it takes to end by itself.
    public func interrupt(_ taskID: String) {
        handle { $0.machine.interrupt(taskID) }
    }

    /// Ends a task: one that runs by killing all processes of its worker's group, at once.
    public func kill(_ taskID: String) {
        handle { $0.machine.kill(taskID) }
    }

    /// Changes how many workers there are, all of which are kept ready from now on. Those that are too many end when they
    /// have nothing to do; no task is interrupted.
    ///
    /// - Parameter maximum: How many tasks can run at the same time, at least 1.
    public func resize(_ maximum: Int) {
        handle { $0.machine.resize(maximum, now: .now) }
    }
}

/// What the pool holds of one process.
struct WorkerLink: Sendable {
    var handle: ChildHandle?
    var connection: WorkerConnection?
    var output: WorkerOutput?
}

extension WorkerPool {
    /// Lets something happen to the state and does what follows from it.
    ///
    /// What must keep its order among threads, that of frames, is settled under the lock; all else is done after it. The
    /// updates and the outcome of one task come from one thread at a time and so keep theirs.
    func handle(_ event: (inout State) -> [PoolAction]) {
        let steps = state.withLock { state in event(&state).map { ($0, state.takeTarget(of: $0)) } }
        for (action, target) in steps { perform(action, target) }
    }

    private func perform(_ action: PoolAction, _ target: ActionTarget) {
        switch (action, target) {
        case (.start(let worker), _): thread(for: worker).start()
        case (.send, .connection(let connection)): connection.flush()
        case (.kill, .process(let handle)): handle.killGroup()
        case (.wake(let timer, let delay), _): schedule(timer, after: delay)
        case (.update(_, let update), .waiter(let waiter)): waiter.onUpdate(update)
        case (.finish(_, let outcome), .waiter(let waiter)): waiter.onEnd(outcome)
        case (.reportFailedStart(let failure, let delay), _): report(failure, retryIn: delay)
        case (.stopped, .runner(let continuation)): continuation.resume()
        default: break  // Its worker or its starter is gone.
        }
    }

    private func schedule(_ timer: PoolTimer, after delay: Duration) {
        loop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
            self?.handle { $0.machine.timerFired(timer, now: .now) }
        }
    }

    private func report(_ failure: WorkerFailure, retryIn delay: Duration) {
        logger.error(
            "\(failure.message)",
            metadata: ["code": "\(failure.code)", "retry-in": "\(delay)", "output": "\(failure.trace ?? "")"]
        )
    }

    private func thread(for worker: WorkerID) -> WorkerThread {
        let events = WorkerThread.Events(
            launched: { [self] handle, output in
                self.handle { state in
                    state.links[worker] = WorkerLink(handle: handle, output: output)
                    return state.machine.launched(worker, pid: handle.pid)
                }
            },
            connected: { [self] connection in state.withLock { $0.links[worker]?.connection = connection } },
            received: { [self] frame in handle { $0.machine.received(frame, from: worker, now: .now) } },
            disconnected: { [self] in handle { $0.machine.disconnected(worker) } },
            ended: { [self] failure in
                handle { state in
                    state.links[worker] = nil
                    return state.machine.exited(worker, failure: failure, now: .now)
                }
            }
        )
        return WorkerThread(worker: worker, configuration: configuration, loop: loop, logger: logger, events: events)
    }
}

/// Whom an action is for.
private enum ActionTarget {
    case process(ChildHandle)
    case connection(WorkerConnection)
    case waiter(WorkerPool.Waiter)
    case runner(CheckedContinuation<Void, Never>)
    case nobody
}

extension WorkerPool.State {
    /// Puts a frame in line.
    private func add(_ frame: Frame, to worker: WorkerID) -> ActionTarget {
        guard let link = links[worker], let connection = link.connection else { return .nobody }
        if case .job(_, let task) = frame { link.output?.begin(task.id) }
        connection.add(frame)
        return .connection(connection)
    }

    /// Looks up whom an action is for; who is told the end is forgotten, and a frame has its place in line.
    fileprivate mutating func takeTarget(of action: PoolAction) -> ActionTarget {
        switch action {
        case .send(let worker, let frame): add(frame, to: worker)
        case .kill(let worker): links[worker]?.handle.map(ActionTarget.process) ?? .nobody
        case .update(let task, _): waiters[task].map(ActionTarget.waiter) ?? .nobody
        case .finish(let task, _): waiters.removeValue(forKey: task).map(ActionTarget.waiter) ?? .nobody
        case .stopped: stopped.take().map(ActionTarget.runner) ?? .nobody
        case .start, .wake, .reportFailedStart: .nobody
        }
    }
}

/// Keeps one worker from its start to its end, on a thread of its own: no signal handler for ended children is needed,
/// nothing is shared with other users of processes, and the thread lives as long as the worker, as Linux wants it.
struct WorkerThread: Sendable {
    let worker: WorkerID
    let configuration: WorkerPoolConfiguration
    let loop: any EventLoop
    let logger: Logger
    /// The pool, which is told everything.
    let events: Events

    /// What a keeper tells, always in this order; `ended` in any case.
    struct Events: Sendable {
        var launched: @Sendable (ChildHandle, WorkerOutput) -> Void
        var connected: @Sendable (WorkerConnection) -> Void
        var received: @Sendable (Frame) -> Void
        var disconnected: @Sendable () -> Void
        var ended: @Sendable (WorkerFailure) -> Void
    }

    /// Starts the thread.
    func start() {
        let started = OwnThread.start { events.ended(keep()) }
        if !started { events.ended(.noProcess("The system has no room for another thread.")) }
    }

    /// The whole life of a worker. Returns why it ended.
    private func keep() -> WorkerFailure {
        do {
            let launch = try ChildLaunch(configuration)
            return accompany(launch)
        } catch {
            return .noProcess("\(error)")
        }
    }

    private func accompany(_ launch: ChildLaunch) -> WorkerFailure {
        var logger = logger
        logger[metadataKey: "worker"] = "\(launch.handle.pid)"
        let output = WorkerOutput(logger: logger)
        events.launched(launch.handle, output)
        let connection = connect(launch)
        let reading = try? output.read(launch.output)
        if connection == nil || reading == nil { launch.handle.killGroup() }
        launch.handle.waitForEnd()
        launch.handle.killFamily()  // What is left of it; the number is still ours.
        reading?.finish()
        connection?.drain()
        return CrashReport(end: launch.handle.reap(), output: output.tail).failure
    }

    private func connect(_ launch: ChildLaunch) -> WorkerConnection? {
        try? WorkerConnection(
            launch.socket,
            on: loop,
            handlers: .init(received: events.received, closed: events.disconnected),
            ready: events.connected
        )
    }
}

/// What a ``WorkerPool`` is doing at one moment.
public struct WorkerPoolStatistics: Sendable, Hashable {
    /// The workers that are ready for work or at it.
    public var workers = 0
    /// The workers at work.
    public var busy = 0
    /// The processes that are not yet ready.
    public var starting = 0
    /// The tasks that wait for a worker.
    public var waiting = 0
    /// The process ids of all living workers, sorted.
    public var pids: [Int32] = []

    /// Nothing at all.
    public init() {}
}
