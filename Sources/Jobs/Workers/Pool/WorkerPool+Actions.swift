internal import Logging
internal import NIOCore
internal import Synchronization

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
        case (.start(let worker), _): keeper(for: worker).start()
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

    private func keeper(for worker: WorkerID) -> Keeper {
        let events = Keeper.Events(
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
        return Keeper(worker: worker, configuration: configuration, loop: loop, logger: logger, events: events)
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
