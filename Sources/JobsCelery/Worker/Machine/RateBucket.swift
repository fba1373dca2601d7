/// Lets tasks of one name start only so often: the first at once, then one after each interval, as Celery's token bucket
/// of the capacity 1 does.
struct RateBucket: Sendable {
    let limit: RateLimit
    private var next: ContinuousClock.Instant?

    init(_ limit: RateLimit) {
        self.limit = limit
    }

    /// When a task may start, now at the earliest.
    func earliest(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        next.map { max($0, now) } ?? now
    }

    /// A task starts.
    mutating func take(_ now: ContinuousClock.Instant) {
        // Not from the plan but from the start: a late one is not made up for by a burst.
        next = now + .seconds(1) / max(limit.perSecond, 1e-9)
    }
}
