internal import CDashSpawn
internal import Dispatch
internal import Support
internal import Synchronization

/// Sends a worker's frames. `progress` and `setProps` never block, so the work may call them; a thread sends them.
final class WorkerOutbox: Sendable {
    private let state: Mutex<OutboxState>
    private let changed = DispatchSemaphore(value: 0)
    private let writing = Mutex(())
    private let descriptor: Int32
    private let stop: @Sendable (UInt64) -> Void

    /// - Parameters:
    ///   - descriptor: The socket to the pool.
    ///   - mostBytes: How much is kept of what could not be sent yet.
    ///   - stop: Called when a run has more to tell than is kept; it fails in any case.
    init(descriptor: Int32, mostBytes: Int, stop: @escaping @Sendable (UInt64) -> Void) {
        self.descriptor = descriptor
        state = Mutex(OutboxState(mostBytes: mostBytes))
        self.stop = stop
    }

    /// Starts the thread that sends updates and ends.
    func start() -> Bool {
        OwnThread.start { [self] in
            while true { step() }
        }
    }

    /// Sends a frame at once.
    func write(_ frame: Frame) {
        writing.withLock { _ in send([frame]) }
    }

    /// A run begins.
    func begin(_ run: UInt64) { state.withLock { $0.begin(run) } }

    /// Keeps the newest progress for the next sending.
    func progress(_ body: [UInt8], of run: UInt64) {
        perform(state.withLock { $0.setProgress(body, of: run) }, run)
    }

    /// Queues properties for the next sending.
    func setProps(_ body: [UInt8], of run: UInt64) {
        perform(state.withLock { $0.setProps(body, of: run) }, run)
    }

    /// Sends everything that is left of the run and then this frame.
    func finish(_ frame: Frame) {
        writing.withLock { _ in send(state.withLock { $0.finish(frame) }) }
    }

    private func perform(_ effect: OutboxState.Effect, _ run: UInt64) {
        switch effect {
        case .none: break
        case .wakesWriter: changed.signal()
        case .isTooMuch: stop(run)
        }
    }

    private func step() {
        // What is taken out is written under the same lock, so that it cannot come after the end of its run.
        let step = writing.withLock { _ in
            let step = state.withLock { $0.next(now: .now) }
            if case .send(let frames) = step { send(frames) }
            return step
        }
        switch step {
        case .wait: changed.wait()
        case .waitFor(let time): _ = changed.wait(timeout: .now() + .nanoseconds(Int(time / .nanoseconds(1))))
        case .send: break
        }
    }

    /// Writes in one go. If that fails, the pool is gone or the work closed the socket: then this process ends, as
    /// nobody would hear of it any more.
    private func send(_ frames: [Frame]) {
        let bytes = frames.count == 1 ? frames[0].bytes : frames.flatMap(\.bytes)
        if !dash_write_all(descriptor, bytes, bytes.count) { dash_kill_own_family() }
    }
}
