/// The numbers a ``PoolMachine`` goes by.
struct PoolLimits: Sendable {
    var warm: Int
    var workers: Int
    var maxTasksPerChild: Int?
    var buildID: String
    var idleTimeout: Duration
    var cancelGrace: Duration
    var shutdownGrace: Duration
    var startTimeout: Duration
    var growDelay: Duration

    /// After so many failed starts in a row the waiting tasks are given up.
    static let failedStarts = 3
    /// A task that lost its worker before it began is put back so many times.
    static let restarts = 3

    /// A worker that lived so long is in order.
    static let settled = Duration.seconds(5)
    /// So many unused workers may end in a row before the next start is delayed.
    static let freeIdleDeaths = 10

    /// The wait before the next start after failed ones: none, 0.1 s, then doubled each time, at most 5 s.
    static func delay(afterFailedStarts count: Int) -> Duration {
        guard count > 1 else { return .zero }
        return min(.seconds(5), .milliseconds(100) * (1 << min(count - 2, 6)))
    }
}

extension PoolLimits {
    /// Takes them from a configuration; impossible ones are put right.
    init(_ configuration: WorkerPoolConfiguration) {
        let workers = max(1, configuration.workers)
        self.init(
            warm: min(max(0, configuration.warm), workers),
            workers: workers,
            maxTasksPerChild: configuration.maxTasksPerChild.map { max(1, $0) },
            buildID: configuration.buildID,
            idleTimeout: configuration.idleTimeout,
            cancelGrace: configuration.cancelGrace,
            shutdownGrace: configuration.shutdownGrace,
            startTimeout: configuration.startTimeout,
            growDelay: configuration.growDelay
        )
    }
}
