import CDashSpawn
import DashJSON
import Dispatch
import Support
import Synchronization

/// Sends a worker's frames. `progress` and `setProps` never block; a thread sends them.
final class WorkerOutbox: Sendable {
    private let state: Mutex<OutboxState>
    private let changed = DispatchSemaphore(value: 0)
    private let writing = Mutex(())
    private let descriptor: Int32
    private let stop: @Sendable (UInt64) -> Void

    /// - Parameters:
    ///   - descriptor: The socket to the pool.
    ///   - mostBytes: The maximum size of unsent updates.
    ///   - stop: Called when a run exceeds it; the run then fails.
    init(descriptor: Int32, mostBytes: Int, stop: @escaping @Sendable (UInt64) -> Void) {
        self.descriptor = descriptor
        state = Mutex(OutboxState(mostBytes: mostBytes))
        self.stop = stop
    }

    /// Starts the thread that sends updates.
    func start() -> Bool {
        OwnThread.start { [self] in
            while true { step() }
        }
    }

    /// Sends a frame at once.
    func write(_ frame: Frame) {
        writing.withLock { _ in send([frame]) }
    }

    func begin(_ run: UInt64) { state.withLock { $0.begin(run) } }

    /// Stores the newest progress until the next send.
    func progress(_ body: [UInt8], of run: UInt64) {
        perform(state.withLock { $0.setProgress(body, of: run) }, run)
    }

    /// Queues properties until the next send.
    func setProps(_ body: [UInt8], of run: UInt64) {
        perform(state.withLock { $0.setProps(body, of: run) }, run)
    }

    /// Sends the remaining updates of the run, then this frame.
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
        // Dequeued and written under the same lock, so that updates cannot follow the end of their run.
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

    /// Writes all frames at once. On failure the pool has ended or the job closed the socket: this process ends, as
    /// nothing can be reported any more.
    private func send(_ frames: [Frame]) {
        let bytes = frames.count == 1 ? frames[0].bytes : frames.flatMap(\.bytes)
        if !dash_write_all(descriptor, bytes, bytes.count) { dash_kill_own_family() }
    }
}

/// Decides when a worker sends: updates at most every 10 ms, the outcome at once and after all updates.
struct OutboxState: Sendable {
    /// The minimum time between two sends of updates.
    static let gap = Duration.milliseconds(10)

    /// The writer's next action.
    enum Step: Sendable, Hashable {
        case wait
        case waitFor(Duration)
        case send([Frame])
    }

    /// The effect of an update on the writer and the run.
    enum Effect: Sendable, Hashable {
        case none
        case wakesWriter
        /// The limit of unsent updates is exceeded: the run is stopped.
        case isTooMuch
    }

    private let mostBytes: Int
    private var isTooMuch = false
    private var run: UInt64?
    private var progress: [UInt8]?
    private var props = MergedValues()
    private var lastSent: ContinuousClock.Instant?
    /// Whether the writer waits for an update. While it waits for the gap, updates need not wake it.
    private var isWaiting = false

    /// - Parameter mostBytes: The maximum size of unsent progress and of unsent properties. Values of the same property
    ///   replace each other, but patches add up.
    init(mostBytes: Int) { self.mostBytes = mostBytes }

    /// Begins a run; updates of other runs are ignored.
    mutating func begin(_ run: UInt64) {
        self.run = run
        isTooMuch = false
        lastSent = nil  // The first update is sent at once.
    }

    /// Stores the newest progress.
    mutating func setProgress(_ body: [UInt8], of run: UInt64) -> Effect {
        guard run == self.run, !isTooMuch else { return .none }
        progress = body
        return effect()
    }

    mutating func setProps(_ body: [UInt8], of run: UInt64) -> Effect {
        guard run == self.run, !isTooMuch, let values = PropertyValue.list(from: body) else { return .none }
        props.append(values)
        return effect()
    }

    /// Ends the run with this frame, or with a failure if it sent too much.
    ///
    /// - Returns: The remaining updates and the final frame.
    mutating func finish(_ frame: Frame) -> [Frame] {
        let isFailure = isTooMuch && frame != .cancelled(run: run ?? 0)
        let end = isFailure ? .failed(run: run ?? 0, .updatesTooLarge(mostBytes)) : frame
        let frames = takeUpdates() + [end]
        run = nil
        return frames
    }

    /// The writer's next step.
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
