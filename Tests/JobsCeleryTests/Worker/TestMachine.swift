import Jobs

@testable import JobsCelery

/// A machine without I/O: the events and the time are the test's, and what it wants done is looked at.
struct TestMachine {
    var machine: WorkerMachine
    let revoked = RevokedTasks()
    private(set) var time = WorkerTime(instant: .now, wall: 1_000_000)
    /// The ids of the tasks that were begun.
    private(set) var begun: [String] = []
    /// All else that was to be done.
    private(set) var told: [String] = []
    private var wakes: ContinuousClock.Instant?

    init(
        slots: Int,
        prefetchMultiplier: Int = 1,
        limits: RunLimits = RunLimits(),
        handOverAfter: Duration? = nil
    ) {
        machine = WorkerMachine(
            slots: slots,
            prefetchMultiplier: prefetchMultiplier,
            limits: limits,
            handOverAfter: handOverAfter,
            revoked: revoked
        )
    }

    /// In how long it wants to be called.
    var wake: Duration? { wakes.map { time.instant.duration(to: $0) } }

    @discardableResult
    mutating func receive(
        _ id: String,
        tag: String? = nil,
        isRedelivered: Bool = false,
        change: (inout TaskMessage) -> Void = { _ in }
    ) -> HeldTask {
        var message = TaskMessage(task: "work", id: id)
        change(&message)
        let delivery = Delivery(tag: tag ?? id, queue: "dash", task: BrokerMessage(), isRedelivered: isRedelivered)
        let job = JobDefinition(name: "work", taskName: "work", version: "1")
        let task = HeldTask(number: machine.nextNumber(), delivery: delivery, message: message, job: job)
        apply { $0.received(task, at: $1) }
        return task
    }

    mutating func start(_ task: HeldTask) {
        apply { $0.started(task, process: 7, at: $1) }
    }

    /// The task's run ends, and all is told.
    @discardableResult
    mutating func finish(_ task: HeldTask, _ outcome: WorkerOutcome = .succeeded([])) -> RunOutcome {
        var end = RunOutcome.interrupted
        apply {
            let result = $0.finished(task, outcome, at: $1)
            end = result.end
            return result.actions
        }
        apply { machine, _ in machine.ended(task.number) }
        return end
    }

    /// Time passes; the machine is called when it wanted that.
    mutating func pass(_ duration: Duration) {
        time.instant += duration
        time.wall += duration.wholeMilliseconds
        guard let wakes, wakes <= time.instant else { return }
        self.wakes = nil
        apply { $0.timePassed(at: $1) }
    }

    mutating func apply(_ event: (inout WorkerMachine, WorkerTime) -> [WorkerAction]) {
        for action in event(&machine, time) { take(action) }
    }

    private mutating func take(_ action: WorkerAction) {
        switch action {
        case .begin(let task): begun.append(task.id)
        case .wake(let instant): wakes = min(wakes ?? instant, instant)
        case .drop(let task, _, let reason): told.append("drop \(task.id) \(reason)")
        case .settle(let delivery, let settlement): told.append("settle \(delivery.tag) \(settlement)")
        case .forget(let delivery): told.append("forget \(delivery.tag)")
        case .stop(let id, let force): told.append("stop \(id) \(force)")
        case .handOver(let task, _): told.append("handOver \(task.id)")
        case .resize(let slots, let prefetch): told.append("resize \(slots) \(prefetch)")
        case .limit(let prefetch): told.append("limit \(prefetch)")
        case .stopFetching: told.append("stopFetching")
        case .drained: told.append("drained")
        }
    }
}
