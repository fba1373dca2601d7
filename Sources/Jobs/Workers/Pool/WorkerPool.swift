public import Logging
package import NIOCore
import NIOPosix
public import ServiceLifecycle
import Support
import Synchronization

/// A pool of worker processes, each of which runs one task at a time.
///
/// The pool keeps `warm` workers ready, starts more while tasks wait, up to `workers`, and ends them after an idle
/// timeout. A task that traps or exits ends only its own process: its failure reports signal, message and backtrace,
/// and another worker replaces the process.
///
/// ```swift
/// let pool = WorkerPool(WorkerPoolConfiguration(), logger: logger)
/// async let service: Void = pool.run()
/// let outcome = await pool.execute(WorkerTask(id: "1", name: "sum", payload: [])) { update in print(update) }
/// ```
public final class WorkerPool: Service, Sendable {
    private let configuration: WorkerPoolConfiguration
    private let logger: Logger
    /// Serves the workers' sockets.
    package let loop: any EventLoop
    private let state: Mutex<State>

    /// The mutable state, under one lock.
    private struct State: Sendable {
        var machine: PoolMachine
        var links: [WorkerID: WorkerLink] = [:]
        var waiters: [String: Waiter] = [:]
        var stopped: CheckedContinuation<Void, Never>?

        /// Looks up the target of an action; removes a finished waiter, and queues a frame.
        mutating func takeTarget(of action: PoolAction) -> ActionTarget {
            switch action {
            case .send(let worker, let frame): add(frame, to: worker)
            case .kill(let worker): links[worker]?.handle.map(ActionTarget.process) ?? .noTarget
            case .update(let task, _): waiters[task].map(ActionTarget.waiter) ?? .noTarget
            case .finish(let task, _): waiters.removeValue(forKey: task).map(ActionTarget.waiter) ?? .noTarget
            case .stopped: stopped.take().map(ActionTarget.runner) ?? .noTarget
            case .start, .wake, .reportFailedStart: .noTarget
            }
        }

        private func add(_ frame: Frame, to worker: WorkerID) -> ActionTarget {
            guard let link = links[worker], let connection = link.connection else { return .noTarget }
            if case .job(_, let task) = frame { link.output?.begin(task.id) }
            connection.add(frame)
            return .connection(connection)
        }
    }

    private enum ActionTarget {
        case process(ChildHandle)
        case connection(WorkerConnection)
        case waiter(Waiter)
        case runner(CheckedContinuation<Void, Never>)
        case noTarget
    }

    /// The callbacks of a task's caller.
    private struct Waiter: Sendable {
        let onUpdate: @Sendable (WorkerUpdate) -> Void
        let onEnd: @Sendable (WorkerOutcome) -> Void
    }

    /// Creates a pool. Processes are started by ``run()``; tasks may be submitted before.
    ///
    /// - Parameters:
    ///   - configuration: How to start and stop the processes.
    ///   - logger: Receives the workers' output and failed starts.
    public init(_ configuration: WorkerPoolConfiguration = .init(), logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        loop = MultiThreadedEventLoopGroup.singleton.next()
        state = Mutex(State(machine: PoolMachine(limits: configuration.corrected, now: .now)))
    }

    /// The number of tasks that can run at the same time.
    public var maximumConcurrency: Int { state.withLock { $0.machine.limits.workers } }

    /// The process ids of all live workers, sorted.
    public var processes: [Int32] { statistics.pids }

    /// The pool's current statistics.
    public var statistics: WorkerPoolStatistics {
        state.withLock { $0.machine.statistics }
    }

    /// Runs the workers until the service is stopped; when it returns, no process is left. Call it once.
    ///
    /// On graceful shutdown no more tasks begin; waiting tasks, and those that are still running after `shutdownGrace`,
    /// end with ``WorkerOutcome/shutDown``. If the calling task is cancelled, all workers are killed at once.
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

    /// Runs a task in the next free worker. Cancelling the calling Swift task has no effect: use ``cancel(_:)``.
    ///
    /// - Parameters:
    ///   - task: The task. No other task with its id may be waiting or running.
    ///   - onUpdate: Called in order on an event loop, never after this function returns. It must not block.
    /// - Returns: The outcome. If the process was killed, it is dead by then.
    public func execute(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        await withCheckedContinuation { continuation in
            submit(task, onUpdate: onUpdate) { continuation.resume(returning: $0) }
        }
    }

    /// Runs a task as ``execute(_:onUpdate:)`` does, and calls back when it ends, possibly within this call.
    ///
    /// - Parameters:
    ///   - task: The task. No other task with its id may be waiting or running.
    ///   - onUpdate: Called in order, never after `onEnd`. It must not block.
    ///   - onEnd: Called once, usually on the pool's event loop before other events, so that the next task can be sent
    ///     at once. It must not block.
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

    /// Cancels a task. A waiting task ends at once; a running one is asked to stop, and after the grace period its
    /// worker's process group is killed. An unknown or ended task is ignored.
    ///
    /// - Parameter taskID: The task's id.
    public func cancel(_ taskID: String) {
        handle { $0.machine.cancel(taskID) }
    }

    /// Cancels a task without a grace period: a running one may take any time to end.
    public func interrupt(_ taskID: String) {
        handle { $0.machine.interrupt(taskID) }
    }

    /// Kills the process group of a running task's worker at once; a waiting task ends.
    public func kill(_ taskID: String) {
        handle { $0.machine.kill(taskID) }
    }

    /// Changes the number of workers, all of which are kept warm from now on. Surplus workers end when they are idle;
    /// no task is interrupted.
    ///
    /// - Parameter maximum: The number of tasks that can run at the same time, at least 1.
    public func resize(_ maximum: Int) {
        handle { $0.machine.resize(maximum, now: .now) }
    }
}

/// The pool's handles of one process.
struct WorkerLink: Sendable {
    var handle: ChildHandle?
    var connection: WorkerConnection?
    var output: WorkerOutput?
}

extension WorkerPool {
    /// Applies an event and performs the resulting actions.
    ///
    /// Frames are queued under the lock to preserve their order; everything else happens after it. The updates and the
    /// outcome of a task come from one thread at a time, so they stay in order too.
    private func handle(_ event: (inout State) -> [PoolAction]) {
        let steps = state.withLock { state in event(&state).map { ($0, state.takeTarget(of: $0)) } }
        for (action, target) in steps { perform(action, target) }
    }

    private func perform(_ action: PoolAction, _ target: ActionTarget) {
        switch (action, target) {
        case (.start(let worker), _): start(worker)
        case (.send, .connection(let connection)): connection.flush()
        case (.kill, .process(let handle)): handle.killGroup()
        case (.wake(let timer, let delay), _): schedule(timer, after: delay)
        case (.update(_, let update), .waiter(let waiter)): waiter.onUpdate(update)
        case (.finish(_, let outcome), .waiter(let waiter)): waiter.onEnd(outcome)
        case (.reportFailedStart(let failure, let delay), _): report(failure, retryIn: delay)
        case (.stopped, .runner(let continuation)): continuation.resume()
        default: break  // The worker or the caller no longer exists.
        }
    }

    private func schedule(_ timer: PoolTimer, after delay: Duration) {
        loop.scheduleTask(in: TimeAmount(delay)) { [weak self] in
            self?.handle { $0.machine.timerFired(timer, now: .now) }
        }
    }

    private func report(_ failure: JobFailure, retryIn delay: Duration) {
        logger.error(
            "\(failure.message)",
            metadata: ["code": "\(failure.code)", "retry-in": "\(delay)", "output": "\(failure.trace ?? "")"]
        )
    }

}

// MARK: - Processes

extension WorkerPool {
    /// Runs one worker from start to end on a dedicated thread: this needs no signal handler for ended children, and
    /// the thread lives as long as the worker, which Linux requires for the parent death signal.
    private func start(_ worker: WorkerID) {
        let isStarted = OwnThread.start { [self] in exited(worker, run(worker)) }
        if !isStarted { exited(worker, .noProcess("A thread could not be created.")) }
    }

    private func exited(_ worker: WorkerID, _ failure: JobFailure) {
        handle { state in
            state.links[worker] = nil
            return state.machine.exited(worker, failure: failure, now: .now)
        }
    }

    /// Runs the worker and returns why it ended.
    private func run(_ worker: WorkerID) -> JobFailure {
        do {
            let process = try ChildProcess(
                configuration.executable,
                configuration.arguments,
                environment: ChildEnvironment.lines(base: ChildEnvironment.current, extra: configuration.environment),
                role: "worker",
                hasOutput: true
            )
            return accompany(process, worker)
        } catch {
            return .noProcess("\(error)")
        }
    }

    private func accompany(_ process: ChildProcess, _ worker: WorkerID) -> JobFailure {
        var logger = logger
        logger[metadataKey: "worker"] = "\(process.handle.pid)"
        let output = WorkerOutput(logger: logger)
        handle { state in
            state.links[worker] = WorkerLink(handle: process.handle, output: output)
            return state.machine.launched(worker, pid: process.handle.pid)
        }
        let connection = connect(process, worker)
        let reading = try? output.read(process.output)
        if connection == nil || reading == nil { process.handle.killGroup() }
        process.handle.waitForEnd()
        process.handle.killFamily()  // Remaining processes; the pid is still reserved.
        reading?.finish()
        connection?.drain()
        return CrashReport(end: process.handle.reap(), output: output.tail).failure
    }

    private func connect(_ process: ChildProcess, _ worker: WorkerID) -> WorkerConnection? {
        try? WorkerConnection(process.channel, on: loop) { [self] connection in
            state.withLock { $0.links[worker]?.connection = connection }
        } received: { [self] frame in
            handle { $0.machine.received(frame, from: worker, now: .now) }
        } closed: { [self] in
            handle { $0.machine.disconnected(worker) }
        }
    }
}

/// The statistics of a ``WorkerPool``.
public struct WorkerPoolStatistics: Sendable, Hashable {
    /// The workers that are idle or busy.
    public var workers = 0
    /// The busy workers.
    public var busy = 0
    /// The processes that are not ready yet.
    public var starting = 0
    /// The tasks that wait for a worker.
    public var waiting = 0
    /// The process ids of all live workers, sorted.
    public var pids: [Int32] = []

    /// Creates statistics with zeros.
    public init() {}
}
