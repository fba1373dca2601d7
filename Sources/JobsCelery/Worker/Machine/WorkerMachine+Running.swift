import Jobs

// Tasks run.
extension WorkerMachine {
    /// Gives free slots to those that wait.
    mutating func startNext(at time: WorkerTime) -> [WorkerAction] {
        guard phase == .running else { return [] }
        var actions: [WorkerAction] = []
        var place = 0
        while running.count < slots, place < waiting.count {
            guard let holding = holdings[waiting[place]] else {
                waiting.remove(at: place)
                continue
            }
            if let reason = dropReason(holding.task.message, at: time.wall) {
                waiting.remove(at: place)
                actions += drop(holding.task, holding.delivery, reason)
            } else if let earliest = earliest(holding, at: time) {
                if earliest != .later { actions += wake(at: earliest.instant) }
                place += 1
            } else {
                waiting.remove(at: place)
                actions.append(begin(holding.task, at: time))
            }
        }
        return actions
    }

    private enum Earliest: Equatable {
        case at(ContinuousClock.Instant)
        /// When another task has ended.
        case later

        var instant: ContinuousClock.Instant {
            if case .at(let instant) = self { instant } else { .now }
        }
    }

    /// When it may start at the earliest; nil is now.
    private func earliest(_ holding: Holding, at time: WorkerTime) -> Earliest? {
        if running[holding.task.id] != nil { return .later }
        if let wall = holding.notBefore, wall > time.wall { return .at(time.instant(at: wall)) }
        guard let bucket = rules[holding.task.message.task]?.bucket else { return nil }
        let earliest = bucket.earliest(time.instant)
        return earliest > time.instant ? .at(earliest) : nil
    }

    private mutating func begin(_ task: HeldTask, at time: WorkerTime) -> WorkerAction {
        holdings[task.number]?.stage = .running
        running[task.id] = task.number
        rules[task.message.task]?.bucket?.take(time.instant)
        totals[task.message.task, default: 0] += 1
        processed += 1
        return .begin(task)
    }

    /// Whether a task that has a slot is still to be run: its end is `interrupted` or `terminated` if not.
    func mayRun(_ task: HeldTask) -> Bool { holdings[task.number]?.stop == nil }

    /// A process has begun a task.
    mutating func started(_ task: HeldTask, process: Int32, at time: WorkerTime) -> [WorkerAction] {
        holdings[task.number]?.process = process
        holdings[task.number]?.started = time.instant
        holdings[task.number]?.startedWall = time.wall
        // What was to stop it may have come before there was anything to stop.
        if let stop = holdings[task.number]?.stop { return [.stop(task.id, stop.force)] }
        return wakeForLimits(task.number)
    }

    /// A running task is to stop. The first reason counts, but time limits give way to every other.
    mutating func stop(_ number: Int, because reason: StopReason) -> [WorkerAction] {
        guard let holding = holdings[number], holding.stage == .running else { return [] }
        switch (holding.stop, reason) {
        case (nil, _), (.softLimit?, _), (_, .hardLimit): break
        case (_, .coldShutdown), (_, .terminated(9)): return [.stop(holding.task.id, .kill)]
        default: return []
        }
        holdings[number]?.stop = reason
        return [.stop(holding.task.id, reason.force)]
    }

    /// A task has run to an end. Its slot is free.
    ///
    /// - Returns: what the end means, and what is to be done meanwhile.
    mutating func finished(
        _ task: HeldTask,
        _ outcome: WorkerOutcome,
        at time: WorkerTime
    ) -> (end: RunEnd, actions: [WorkerAction]) {
        let reason = holdings[task.number]?.stop
        holdings[task.number]?.stage = .ending
        running[task.id] = nil
        return (Self.end(outcome, reason), taken(from: task) + startNext(at: time))
    }

    /// The slot of a task whose message is kept elsewhere is free: one more message may come for it.
    private mutating func taken(from task: HeldTask) -> [WorkerAction] {
        guard holdings[task.number]?.isHandedOver == true else { return [] }
        keptElsewhere -= 1
        return [.limit(prefetch: prefetch)]
    }

    private static func end(_ outcome: WorkerOutcome, _ reason: StopReason?) -> RunEnd {
        switch (outcome, reason) {
        case (.shutDown, _): .interrupted
        // What was done in spite of all is done.
        case (.succeeded, _), (.failed, nil), (.failed, .softLimit): .outcome(outcome)
        case (_, .softLimit(let seconds)?): .softLimit(seconds)
        case (_, .hardLimit(let seconds)?): .hardLimit(seconds)
        case (_, .terminated(let signal)?): .terminated(signal)
        case (_, .coldShutdown?): .interrupted
        case (_, .standing(let standing)?): .standing(standing)
        case (.cancelled, nil): .terminated(15)
        }
    }
}
