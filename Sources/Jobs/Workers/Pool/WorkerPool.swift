public import Logging
package import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization

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
