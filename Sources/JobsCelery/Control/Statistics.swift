import DashJSON

extension WorkerSnapshot {
    /// The reply to `inspect stats`.
    func statistics(clock: Int, broker: JSON, process: Int) -> JSON {
        [
            "total": .object(JSONObject(totals.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })),
            "pid": .int(process), "clock": .string(String(clock)), "uptime": .int(uptime), "pool": pool.json,
            "broker": broker, "prefetch_count": .int(prefetchCount),
        ]
    }
}

extension PoolInfo {
    /// Omits Celery's statistics of pipes, which this pool does not have.
    fileprivate var json: JSON {
        [
            "implementation": "dash-swift:WorkerPool", "max-concurrency": .int(concurrency),
            "processes": .array(processes.map { .int($0) }),
            "max-tasks-per-child": maxTasksPerChild.map { .int($0) } ?? "N/A", "put-guarded-by-semaphore": false,
            "timeouts": [.double(softTimeLimit ?? 0), .double(timeLimit ?? 0)],
        ]
    }
}
