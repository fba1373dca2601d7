import CDashSpawn
import DashJSON
import Dispatch
import Support
import Synchronization

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

/// What a worker has to send and when: updates at most each 10 ms, the end of the work at once and after everything else.
struct OutboxState: Sendable {
    /// The shortest time between two sendings of updates.
    static let gap = Duration.milliseconds(10)

    /// What the writer is to do.
    enum Step: Sendable, Hashable {
        case wait
        case waitFor(Duration)
        case send([Frame])
    }

    /// What an update means for others.
    enum Effect: Sendable, Hashable {
        case none
        case wakesWriter
        /// There is more to send than is kept: the run cannot go on.
        case isTooMuch
    }

    private let mostBytes: Int
    private var isTooMuch = false
    private var run: UInt64?
    private var progress: [UInt8]?
    private var props = MergedValues()
    private var lastSent: ContinuousClock.Instant?
    /// Whether the writer waits for the first update. (When it waits for its time, updates need not wake it.)
    private var isWaiting = false

    /// - Parameter mostBytes: How much is kept of either sort until it is sent, if the pool is slow to read. Values of the
    ///   same property take the place of each other, but Patches add up.
    init(mostBytes: Int) { self.mostBytes = mostBytes }

    /// A run begins; nothing of another one is taken any more.
    mutating func begin(_ run: UInt64) {
        self.run = run
        isTooMuch = false
        lastSent = nil  // Its first update goes out at once.
    }

    /// Keeps the newest progress.
    mutating func setProgress(_ body: [UInt8], of run: UInt64) -> Effect {
        guard run == self.run, !isTooMuch else { return .none }
        progress = body
        return effect()
    }

    /// Queues properties.
    mutating func setProps(_ body: [UInt8], of run: UInt64) -> Effect {
        guard run == self.run, !isTooMuch, let values = PropertyValue.list(from: body) else { return .none }
        props.append(values)
        return effect()
    }

    /// The run ends with this frame, or, if it told too much, as a failure.
    ///
    /// - Returns: What must be sent now: the updates that are left, and then it.
    mutating func finish(_ frame: Frame) -> [Frame] {
        let isFailure = isTooMuch && frame != .cancelled(run: run ?? 0)
        let end = isFailure ? .failed(run: run ?? 0, .updatesTooLarge(mostBytes)) : frame
        let frames = takeUpdates() + [end]
        run = nil
        return frames
    }

    /// What the writer does next.
    mutating func next(now: ContinuousClock.Instant) -> Step {
        guard progress != nil || !props.isEmpty else {
            isWaiting = true
            return .wait
        }
        if let lastSent, lastSent.duration(to: now) < Self.gap {
            return .waitFor(Self.gap - lastSent.duration(to: now))
        }
        lastSent = now
        return .send(takeUpdates())
    }

    private mutating func takeUpdates() -> [Frame] {
        guard let run else { return [] }
        var frames: [Frame] = []
        if let body = progress.take() { frames.append(.progress(run: run, body)) }
        if !props.isEmpty { frames.append(.setProps(run: run, props.values.jsonBytes())) }
        props = MergedValues()
        return frames
    }

    private mutating func effect() -> Effect {
        if props.bytes > mostBytes || progress?.count ?? 0 > mostBytes {
            isTooMuch = true
            progress = nil
            props = MergedValues()
            return .isTooMuch
        }
        defer { isWaiting = false }
        return isWaiting ? .wakesWriter : .none
    }
}
