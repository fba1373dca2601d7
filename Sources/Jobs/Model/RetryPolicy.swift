/// How often, and after which wait, an attempt that failed, crashed or was lost is followed by another.
///
/// A cancelled job is never tried again. The default is ``none``: a job that failed, crashed or was lost is not tried again.
/// That is no promise to run once: a job that a stop of the server interrupted, or a trap in the server's own code, runs
/// again whatever the policy says, as nothing was wrong with it.
public struct RetryPolicy: Sendable, Hashable {
    /// The wait before another attempt.
    public struct Backoff: Sendable, Hashable {
        /// The wait after the first failure.
        public var first: Duration
        /// What the wait is multiplied by after each further failure; at least 1.
        public var factor: Double
        /// The longest wait.
        public var longest: Duration

        /// Always the same wait.
        public static func constant(_ wait: Duration) -> Backoff {
            Backoff(first: wait, factor: 1, longest: wait)
        }

        /// A wait that grows by `factor` with each failure, up to `longest`.
        public static func exponential(
            first: Duration = .seconds(1),
            factor: Double = 2,
            longest: Duration = .seconds(300)
        ) -> Backoff {
            Backoff(first: first, factor: max(1, factor), longest: longest)
        }
    }

    /// How many attempts may follow the first.
    public var limit: Int
    /// The waits between them.
    public var backoff: Backoff

    /// One attempt and no more.
    public static let none = RetryPolicy(limit: 0, backoff: .constant(.zero))

    /// Up to `limit` attempts after the first.
    public static func upTo(_ limit: Int, backoff: Backoff = .exponential()) -> RetryPolicy {
        RetryPolicy(limit: max(0, limit), backoff: backoff)
    }

    /// The wait after the given number of failed attempts (1 for the first).
    package func wait(afterFailures failures: Int) -> Duration {
        var wait = backoff.first
        var step = 1
        while step < failures, wait < backoff.longest, backoff.factor > 1 {
            // A product that is too long for a Duration would trap.
            guard wait / backoff.longest * backoff.factor < 1 else { return backoff.longest }
            wait = wait * backoff.factor
            step += 1
        }
        return min(wait, backoff.longest)
    }
}
