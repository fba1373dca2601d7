/// The waits between attempts: each longer than the one before by a factor, up to a longest one.
package struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    private let factor: Double
    private let jitter: Double
    private var wait: Duration

    /// - Parameters:
    ///   - first: The first wait.
    ///   - longest: The longest wait.
    ///   - factor: How much longer each wait is than the one before.
    ///   - jitter: Up to which part a wait is shortened by chance, so that many clients do not come back in one moment.
    package init(first: Duration, longest: Duration, factor: Double = 2, jitter: Double = 0) {
        self.first = first
        self.longest = longest
        self.factor = factor
        self.jitter = jitter
        wait = first
    }

    /// Starts again with the first wait.
    package mutating func reset() {
        wait = first
    }

    /// The next wait.
    ///
    /// - Parameter chance: From 0 to 1; 1 is the longest wait.
    package mutating func next(chance: Double = .random(in: 0...1)) -> Duration {
        defer { wait = min(wait * factor, longest) }
        return jitter == 0 ? wait : wait * (1 - jitter * (1 - chance))
    }

    /// Sleeps for the next wait, which no cancellation shortens: a cancelled task would try again without a pause.
    package mutating func pause() async {
        let wait = next()
        await Task { try? await Task.sleep(for: wait) }.value
    }
}
