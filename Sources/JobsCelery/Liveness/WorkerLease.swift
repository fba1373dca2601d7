/// Where workers show on a Redis that they live.
struct WorkerRegistry: Sendable, Hashable {
    /// What stands before a worker's id in the name of the channel that it listens to.
    var channels: String
    /// Sorted set: workers by the end of their lease.
    var workers: String
}

/// A worker's lease on one Redis: where it is kept, and what is renewed along with it.
struct WorkerLease: Sendable {
    var redis: RedisOptions
    var registry: WorkerRegistry
    /// Hash: how many jobs each worker runs at once; nil where that is not kept.
    var capacity: String?
    /// The deliveries that go with the worker, on a broker that keeps them; nil elsewhere.
    var held: HeldTags?
}

extension WorkerLease {
    /// The lease that the job records check.
    init(_ records: JobRecords, on redis: RedisOptions) {
        let (prefix, channels) = (records.settings.prefix, records.settings.keys.lifeLinePrefix)
        self.init(
            redis: redis,
            registry: WorkerRegistry(channels: channels, workers: prefix + "workers"),
            capacity: prefix + "capacity"
        )
    }

    /// What renews it.
    func renewal(of worker: WorkerIdentity, _ terms: LivenessTerms, concurrency: Int) -> RedisScriptCall {
        LivenessScripts.renew.call(
            keys: [registry.workers] + (capacity.map { [$0] } ?? []),
            arguments: [worker.id, terms.lease.inSeconds, concurrency]
        )
    }
}

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
