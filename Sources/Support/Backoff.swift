/// The delays between attempts, which grow by a factor up to a maximum.
package struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    private let factor: Double
    private let jitter: Double
    private var wait: Duration

    /// - Parameters:
    ///   - first: The first delay.
    ///   - longest: The maximum delay.
    ///   - factor: The growth of each delay.
    ///   - jitter: The maximum part, 0 to 1, by which a delay is randomly shortened, so that many clients do not retry
    ///     at once.
    package init(first: Duration, longest: Duration, factor: Double = 2, jitter: Double = 0) {
        self.first = first
        self.longest = longest
        self.factor = factor
        self.jitter = jitter
        wait = first
    }

    /// Restarts with the first delay.
    package mutating func reset() {
        wait = first
    }

    /// The next delay.
    ///
    /// - Parameter chance: From 0 to 1; 1 is the full delay.
    package mutating func next(chance: Double = .random(in: 0...1)) -> Duration {
        defer { wait = min(wait * factor, longest) }
        return jitter == 0 ? wait : wait * (1 - jitter * (1 - chance))
    }

    /// Sleeps for the next delay, even if the task is cancelled: it would otherwise retry in a tight loop.
    package mutating func pause() async {
        let wait = next()
        await Task { try? await Task.sleep(for: wait) }.value
    }
}
