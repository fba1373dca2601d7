internal import DashJSON

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
