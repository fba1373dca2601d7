// What people and signals ask for.
extension WorkerMachine {
    /// The worker is to stop when what runs has ended.
    mutating func stopWarm() -> [WorkerAction] {
        guard phase == .running else { return [] }
        phase = .warm
        return [.stopFetching] + returnWaiting() + drained()
    }

    /// The worker is to stop at once.
    mutating func stopCold() -> [WorkerAction] {
        guard phase != .cold else { return [] }
        var actions: [WorkerAction] = phase == .running ? [.stopFetching] : []
        phase = .cold
        actions += returnWaiting()
        for number in running.values.sorted() { actions += stop(number, because: .coldShutdown) }
        return actions + drained()
    }

    private mutating func returnWaiting() -> [WorkerAction] {
        defer { waiting = [] }
        return waiting.compactMap { holdings.removeValue(forKey: $0) }.map { .settle($0.delivery, .returned) }
    }

    /// Tasks were revoked: those that wait end so, those that run go on.
    ///
    /// - Returns: those that are not here.
    mutating func revoke(_ ids: [String]) -> (unknown: [String], actions: [WorkerAction]) {
        var actions: [WorkerAction] = []
        var unknown: [String] = []
        for id in ids {
            let dropped = dropWaiting(id)
            actions += dropped
            if dropped.isEmpty, running[id] == nil { unknown.append(id) }
        }
        return (unknown, actions)
    }

    /// Tasks are to end.
    ///
    /// - Returns: those that are here.
    mutating func terminate(_ ids: [String], signal: Int32) -> (known: [String], actions: [WorkerAction]) {
        var actions: [WorkerAction] = []
        var known: [String] = []
        for id in ids {
            let dropped = dropWaiting(id)
            actions += dropped
            if let number = running[id] { actions += stop(number, because: .terminated(signal)) }
            if !dropped.isEmpty || running[id] != nil { known.append(id) }
        }
        return (known, actions)
    }

    private mutating func dropWaiting(_ id: String) -> [WorkerAction] {
        let numbers = waiting.filter { holdings[$0]?.task.id == id }
        waiting.removeAll { numbers.contains($0) }
        return numbers.compactMap { holdings[$0] }.flatMap { drop($0.task, $0.delivery, .revoked) }
    }

    /// Tasks of a name start only so often; nil takes the limit away.
    mutating func setRateLimit(_ limit: RateLimit?, of task: String, at time: WorkerTime) -> [WorkerAction] {
        rules[task, default: TaskRules()].bucket = limit.map(RateBucket.init)
        return startNext(at: time)
    }

    /// Tasks of a name that start from now on have these limits (seconds).
    mutating func setTimeLimit(soft: Double?, hard: Double?, of task: String) {
        var rule = rules[task] ?? TaskRules()
        (rule.hasOwnLimits, rule.softLimit, rule.hardLimit) = (true, soft, hard)
        rules[task] = rule
    }

    /// So many tasks more, or less, run at once.
    mutating func resize(by change: Int, at time: WorkerTime) -> [WorkerAction] {
        slots = max(1, slots + change)
        return [.resize(slots: slots, prefetch: prefetch)] + startNext(at: time)
    }
}
