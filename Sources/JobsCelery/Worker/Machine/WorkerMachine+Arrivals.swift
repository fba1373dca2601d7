// Messages come.
extension WorkerMachine {
    /// A message came whose task can be run here.
    mutating func received(_ task: HeldTask, at time: WorkerTime) -> [WorkerAction] {
        guard phase == .running else { return [.settle(task.delivery, .returned)] }
        if let adopted = adopt(task) { return adopted }
        if let reason = dropReason(task.message, at: time.wall) { return drop(task, task.delivery, reason) }
        var holding = Holding(task: task, delivery: task.delivery)
        if let eta = task.message.eta, eta > time.wall {
            // A near one is waited for here: clocks of machines differ, and another round takes its time.
            guard eta - time.wall <= Self.nearness else { return postpone(task, until: eta) }
            holding.notBefore = eta
        }
        postponed[task.id] = nil
        holdings[task.number] = holding
        waiting.append(task.number)
        return startNext(at: time)
    }

    /// Why a task is not to be run, if so.
    func dropReason(_ message: TaskMessage, at wall: Int64) -> DropReason? {
        if let expires = message.expires, expires < wall { return .expired }
        return revoked.contains(message.id) || revoked.matches(stamps: message.stamps) ? .revoked : nil
    }

    /// Takes a delivery in the place of an older one of the same message, which the broker has taken back: its connection
    /// was cut, or a lease was over.
    private mutating func adopt(_ task: HeldTask) -> [WorkerAction]? {
        guard task.delivery.isRedelivered,
            let number = running[task.id] ?? waiting.first(where: { holdings[$0]?.task.id == task.id }),
            let old = holdings[number]
        else { return nil }
        holdings[number]?.delivery = task.delivery
        if old.isHandedOver {
            holdings[number]?.delivery = old.delivery
            return [.settle(task.delivery, .acknowledged)]
        }
        return old.delivery.tag == task.delivery.tag ? [] : [.forget(old.delivery)]
    }

    private mutating func postpone(_ task: HeldTask, until eta: Int64) -> [WorkerAction] {
        if postponed.count >= Self.postponedKept, let soonest = postponed.min(by: Self.isSooner)?.key {
            postponed[soonest] = nil
        }
        postponed[task.id] = task
        return [.settle(task.delivery, .postponed(until: eta))]
    }

    private static func isSooner(_ left: (String, HeldTask), _ right: (String, HeldTask)) -> Bool {
        (left.1.message.eta ?? 0) < (right.1.message.eta ?? 0)
    }

    /// A task ends without having been run.
    mutating func drop(_ task: HeldTask, _ delivery: Delivery, _ reason: DropReason) -> [WorkerAction] {
        holdings[task.number] = Holding(task: task, delivery: delivery, stage: .ending)
        if reason == .expired { revoked.insert([task.id]) }
        return [.drop(task, delivery, reason)]
    }
}
