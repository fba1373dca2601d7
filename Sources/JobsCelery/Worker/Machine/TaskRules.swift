/// What is set for tasks of a name while a worker runs.
struct TaskRules: Sendable {
    var bucket: RateBucket?
    /// Whether the limits below are to be taken in place of the worker's.
    var hasOwnLimits = false
    /// Seconds.
    var softLimit: Double?
    /// Seconds.
    var hardLimit: Double?
}

/// How long a task may run.
struct RunLimits: Sendable, Hashable {
    /// Seconds; after it a task is asked to stop.
    var soft: Double?
    /// Seconds; after it a task is killed.
    var hard: Double?

    /// The next limit of a task that has run for a time, and why it stops then.
    func next(isInterrupted: Bool) -> (after: Double, reason: StopReason)? {
        if let soft, !isInterrupted, soft < hard ?? .infinity { return (soft, .softLimit(soft)) }
        return hard.map { ($0, .hardLimit($0)) }
    }
}
