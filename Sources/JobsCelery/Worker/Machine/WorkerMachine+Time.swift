import Jobs

// Time passes: limits, rates, near etas.
extension WorkerMachine {
    /// A time that was waited for has come.
    mutating func timePassed(at time: WorkerTime) -> [WorkerAction] {
        wake = nil
        var actions: [WorkerAction] = []
        for number in running.values.sorted() {
            actions += limit(number, at: time)
            actions += handOver(number, at: time)
        }
        return actions + startNext(at: time)
    }

    /// Says once when to be called, unless it will be before anyway.
    mutating func wake(at instant: ContinuousClock.Instant) -> [WorkerAction] {
        if let wake, wake <= instant { return [] }
        wake = instant
        return [.wake(instant)]
    }

    /// Says when to look at a running task next.
    mutating func wakeForLimits(_ number: Int) -> [WorkerAction] {
        guard let holding = holdings[number], let started = holding.started else { return [] }
        var actions: [WorkerAction] = []
        if let next = nextLimit(of: holding) { actions += wake(at: started + .seconds(next.after)) }
        if let handOverAfter, holding.mayBeHandedOver { actions += wake(at: started + handOverAfter) }
        return actions
    }

    private func nextLimit(of holding: Holding) -> (after: Double, reason: StopReason)? {
        switch holding.stop {
        case nil: limits(of: holding.task.message).next(isInterrupted: false)
        case .softLimit: limits(of: holding.task.message).next(isInterrupted: true)
        default: nil
        }
    }

    /// The message's limits, else those of the task's name, else the worker's.
    func limits(of message: TaskMessage) -> RunLimits {
        let named = rules[message.task].flatMap { $0.hasOwnLimits ? $0 : nil }
        return RunLimits(
            soft: message.softTimeLimit ?? (named != nil ? named?.softLimit : limits.soft),
            hard: message.hardTimeLimit ?? (named != nil ? named?.hardLimit : limits.hard)
        )
    }

    private mutating func limit(_ number: Int, at time: WorkerTime) -> [WorkerAction] {
        guard let holding = holdings[number], let started = holding.started, let next = nextLimit(of: holding)
        else { return [] }
        guard started + .seconds(next.after) <= time.instant else { return wakeForLimits(number) }
        return stop(number, because: next.reason) + wakeForLimits(number)
    }

    private mutating func handOver(_ number: Int, at time: WorkerTime) -> [WorkerAction] {
        guard let handOverAfter, let holding = holdings[number], holding.mayBeHandedOver,
            let started = holding.started
        else { return [] }
        guard started + handOverAfter <= time.instant else { return wake(at: started + handOverAfter) }
        holdings[number]?.keeping = .handingOver
        return [.handOver(holding.task, holding.delivery)]
    }
}

extension Holding {
    fileprivate var mayBeHandedOver: Bool { keeping == .broker || keeping == .unsure }
}

extension WorkerMachine {
    /// A message is kept elsewhere, and its task runs on: from now on only the keeper has a say.
    ///
    /// - Returns: what is to be done; nil if the task has ended meanwhile: the broker settles the message then, and the
    ///   keeper is to forget it.
    mutating func handedOver(_ task: HeldTask, _ delivery: Delivery) -> [WorkerAction]? {
        guard let holding = holdings[task.number], holding.stage == .running else { return nil }
        holdings[task.number]?.keeping = .keeper
        holdings[task.number]?.delivery = delivery
        keptElsewhere += 1
        // It came again meanwhile under another name; that one is not needed.
        let other = holding.delivery.tag == delivery.tag ? [] : [holding.delivery]
        // First fewer are wanted, then it is acknowledged: else the broker gives one more, which nobody here can run.
        return [.limit(prefetch: prefetch)] + (other + [delivery]).map { .settle($0, .acknowledged) }
    }

    /// A message could not be kept elsewhere: it is tried again at the next occasion.
    mutating func handOverFailed(_ task: HeldTask) -> [WorkerAction] {
        guard let holding = holdings[task.number], holding.stage == .running else { return [] }
        holdings[task.number]?.keeping = .unsure
        return wakeForLimits(task.number)
    }
}
