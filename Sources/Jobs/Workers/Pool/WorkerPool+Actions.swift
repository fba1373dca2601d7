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
    /// What must keep its order among threads, the sending of frames, is done under the lock; all else after it. The
    /// updates and the outcome of one task come from one thread at a time and so keep theirs.
    func handle(_ event: (inout State) -> [PoolAction]) {
        let (rest, links) = state.withLock { state in
            var rest: [PoolAction] = []
            for action in event(&state) where !state.send(action) { rest.append(action) }
            return (rest, rest.map { state.takeTarget(of: $0) })
        }
        for (action, target) in zip(rest, links) { perform(action, target) }
    }

    private func perform(_ action: PoolAction, _ target: ActionTarget) {
        switch (action, target) {
        case (.start(let worker), _): keeper(for: worker).start()
        case (.kill, .process(let handle)): handle.killGroup()
        case (.wake(let timer, let delay), _): schedule(timer, after: delay)
        case (.update(_, let update), .waiter(let waiter)): waiter.onUpdate(update)
        case (.finish(_, let outcome), .waiter(let waiter)): waiter.continuation.resume(returning: outcome)
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
    case waiter(WorkerPool.Waiter)
    case runner(CheckedContinuation<Void, Never>)
    case nobody
}

extension WorkerPool.State {
    /// Sends the frame, if that is what the action is.
    fileprivate func send(_ action: PoolAction) -> Bool {
        guard case .send(let worker, let frame) = action else { return false }
        if case .job(_, let task) = frame { links[worker]?.output?.begin(task.id) }
        links[worker]?.connection?.send(frame)
        return true
    }

    /// Looks up whom an action is for; who is told the end is forgotten.
    fileprivate mutating func takeTarget(of action: PoolAction) -> ActionTarget {
        switch action {
        case .kill(let worker): links[worker]?.handle.map(ActionTarget.process) ?? .nobody
        case .update(let task, _): waiters[task].map(ActionTarget.waiter) ?? .nobody
        case .finish(let task, _): waiters.removeValue(forKey: task).map(ActionTarget.waiter) ?? .nobody
        case .stopped: stopped.take().map(ActionTarget.runner) ?? .nobody
        case .start, .send, .wake, .reportFailedStart: .nobody
        }
    }
}
