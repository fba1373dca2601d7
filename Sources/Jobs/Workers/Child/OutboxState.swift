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

    private var run: UInt64?
    private var progress: [UInt8]?
    private var props = PropsQueue()
    private var lastSent: ContinuousClock.Instant?
    /// Whether the writer waits for the first update. (When it waits for its time, updates need not wake it.)
    private var isWaiting = false

    /// A run begins; nothing of another one is taken any more.
    mutating func begin(_ run: UInt64) {
        self.run = run
        lastSent = nil  // Its first update goes out at once.
    }

    /// Keeps the newest progress. Returns whether the writer must be woken.
    mutating func setProgress(_ body: [UInt8], of run: UInt64) -> Bool {
        guard run == self.run else { return false }
        progress = body
        return wakesWriter()
    }

    /// Queues properties. Returns whether the writer must be woken.
    mutating func setProps(_ body: [UInt8], of run: UInt64) -> Bool {
        guard run == self.run, props.add(body) else { return false }
        return wakesWriter()
    }

    /// The run ends with this frame.
    ///
    /// - Returns: What must be sent now: the updates that are left, and then it.
    mutating func finish(_ frame: Frame) -> [Frame] {
        let frames = takeUpdates() + [frame]
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
        if !props.isEmpty { frames.append(.setProps(run: run, props.takeAll())) }
        return frames
    }

    private mutating func wakesWriter() -> Bool {
        defer { isWaiting = false }
        return isWaiting
    }
}
