internal import CDashSpawn
internal import Dispatch
internal import Synchronization

/// Sends a worker's frames. Only `write` blocks; the rest may be called from the work.
final class WorkerOutbox: Sendable {
    private let state = Mutex(OutboxState())
    private let changed = DispatchSemaphore(value: 0)
    private let writing = Mutex(())
    private let descriptor: Int32

    /// - Parameter descriptor: The socket to the pool.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Starts the thread that sends updates and ends.
    func start() -> Bool {
        OwnThread.start { [self] in
            while true { step() }
        }
    }

    /// Sends a frame at once. If that fails, the pool is gone or the work closed the socket: then this process ends, as
    /// nobody would hear of it any more.
    func write(_ frame: Frame) {
        let bytes = frame.bytes
        let isWritten = writing.withLock { _ in dash_write_all(descriptor, bytes, bytes.count) }
        if !isWritten { dash_kill_own_group() }
    }

    /// A run begins.
    func begin(_ run: UInt64) { state.withLock { $0.begin(run) } }

    /// Keeps the newest progress for the next sending.
    func progress(_ body: [UInt8], of run: UInt64) {
        if state.withLock({ $0.setProgress(body, of: run) }) { changed.signal() }
    }

    /// Queues properties for the next sending.
    func setProps(_ body: [UInt8], of run: UInt64) {
        if state.withLock({ $0.setProps(body, of: run) }) { changed.signal() }
    }

    /// Sends everything and then this frame, soon.
    func finish(_ frame: Frame) {
        if state.withLock({ $0.finish(frame) }) { changed.signal() }
    }

    private func step() {
        switch state.withLock({ $0.next(now: .now) }) {
        case .wait: changed.wait()
        case .waitFor(let time): _ = changed.wait(timeout: .now() + .nanoseconds(Int(time / .nanoseconds(1))))
        case .send(let frames): for frame in frames { write(frame) }
        }
    }
}
