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
