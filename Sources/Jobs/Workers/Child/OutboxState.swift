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
    private var end: Frame?
    private var lastSent: ContinuousClock.Instant?
    /// What the writer waits for, if it waits.
    private var waiting: Step?

    /// A run begins; nothing of another one is taken any more.
    mutating func begin(_ run: UInt64) { self.run = run }

    /// Keeps the newest progress. Returns whether the writer must be woken.
    mutating func setProgress(_ body: [UInt8], of run: UInt64) -> Bool {
        guard run == self.run else { return false }
        progress = body
        return wakesWriter(.wait)
    }

    /// Queues properties. Returns whether the writer must be woken.
    mutating func setProps(_ body: [UInt8], of run: UInt64) -> Bool {
        guard run == self.run, props.add(body) else { return false }
        return wakesWriter(.wait)
    }

    /// Ends the run with this frame; it is sent at once, after all updates. Returns whether the writer must be woken.
    mutating func finish(_ frame: Frame) -> Bool {
        end = frame
        return wakesWriter(nil)
    }

    /// What the writer does next.
    mutating func next(now: ContinuousClock.Instant) -> Step {
        let step = decide(now)
        if case .send = step { waiting = nil } else { waiting = step }
        return step
    }

    private mutating func decide(_ now: ContinuousClock.Instant) -> Step {
        guard let run, end != nil || progress != nil || !props.isEmpty else { return .wait }
        if end == nil, let lastSent, lastSent.duration(to: now) < Self.gap {
            return .waitFor(Self.gap - lastSent.duration(to: now))
        }
        var frames: [Frame] = []
        if let body = progress.take() { frames.append(.progress(run: run, body)) }
        if !props.isEmpty { frames.append(.setProps(run: run, props.takeAll())) }
        lastSent = now
        if let frame = end.take() {
            frames.append(frame)
            self.run = nil
            lastSent = nil  // The next run's first update goes out at once.
        }
        return .send(frames)
    }

    /// - Parameter only: The waiting that is to be ended, nil: any.
    private mutating func wakesWriter(_ only: Step?) -> Bool {
        guard let waiting, only == nil || only == waiting else { return false }
        self.waiting = nil
        return true
    }
}
