import Jobs

@testable import CeleryProtocol
@testable import JobsCelery

/// A machine whose events and time the test controls, and whose actions it records.
struct TestMachine {
    var machine: WorkerMachine
    let revoked = RevokedTasks()
    private(set) var time = WorkerTime(instant: .now, wall: 1_000_000)
    /// The ids of begun tasks.
    private(set) var begun: [String] = []
    /// All other actions.
    private(set) var actions: [String] = []
    private var wakes: ContinuousClock.Instant?

    init(
        slots: Int,
        prefetchMultiplier: Int = 1,
        limits: RunLimits = RunLimits(),
        handOverAfter: Duration? = nil
    ) {
        var parts = CeleryWorkerParts.test()
        parts.options.concurrency = slots
        parts.options.prefetchMultiplier = prefetchMultiplier
        parts.options.softTimeLimit = limits.soft.map { .seconds($0) }
        parts.options.timeLimit = limits.hard.map { .seconds($0) }
        if let handOverAfter {
            parts.vault = TestVault()
            parts.settings.handOver = handOverAfter
        }
        parts.revoked = revoked
        machine = WorkerMachine(parts)
    }

    /// The time until the next wake-up.
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

    /// The task's run ends, and its completion is reported.
    @discardableResult
    mutating func finish(_ task: HeldTask, _ outcome: WorkerOutcome = .succeeded([])) -> RunOutcome {
        var end = RunOutcome.interrupted
        apply {
            let result = $0.finished(task, outcome, at: $1)
            end = result.end
            return result.actions
        }
        apply { machine, _ in machine.completed(task.number) }
        return end
    }

    /// Time passes; a scheduled wake-up is delivered.
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
        case .drop(let task, let reason): actions.append("drop \(task.id) \(reason)")
        case .settle(let delivery, let settlement): actions.append("settle \(delivery.tag) \(settlement)")
        case .forget(let delivery): actions.append("forget \(delivery.tag)")
        case .stop(let id, let force): actions.append("stop \(id) \(force)")
        case .handOver(let task, _): actions.append("handOver \(task.id)")
        case .resize(let slots, let prefetch): actions.append("resize \(slots) \(prefetch)")
        case .limit(let prefetch): actions.append("limit \(prefetch)")
        case .stopFetching: actions.append("stopFetching")
        case .drained: actions.append("drained")
        }
    }
}
