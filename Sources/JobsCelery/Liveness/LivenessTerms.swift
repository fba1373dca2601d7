/// The times by which a worker counts as living or dead.
struct LivenessTerms: Sendable, Hashable {
    /// For how long a renewal holds: a worker whose loop does not answer for this long is dead.
    var lease = Duration.seconds(6)

    /// The time between two renewals.
    var renewal: Duration { min(.seconds(1), lease / 4) }

    /// After this time without a renewal others look whether the worker's subscription still stands: a connection that was
    /// cut is made again in less.
    var silence: Duration { min(.seconds(2), lease / 2) }

    /// For how long an observer sees by its own clock that a lease is not renewed before it believes that the lease is over,
    /// so that a leap of Redis' clock takes nothing from a living worker.
    let patience = Duration.seconds(2)
}
