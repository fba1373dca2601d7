import Jobs

/// A task of other workers, by its name on the queue.
struct RemoteOptions: Sendable {
    var name: String
    /// The queue these workers take from; nil is the default of the site's queue for other programs.
    var queue: String?
}

/// What a background callback has besides a regular one.
struct BackgroundOptions: Sendable {
    /// The shortest gap between two deliveries of progress.
    var interval: Duration
    /// The inputs that end the job.
    var cancel: [PropertyRef]
    /// Where progress is shown.
    var progress: [PropertyRef]
    /// What the progress properties become when the job is over; `nil` leaves them.
    var progressDefault: [PropertyUpdate]?
    var cache: CachePolicy?
    var retries: RetryPolicy
    /// Who does the work in place of a closure: a task of other workers.
    var remote: RemoteOptions?
    /// Those of ``progress`` that were given as lists, one value for each component.
    var progressLists: [PropertyRef] = []
}
