import Jobs

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
}
