@testable import Jobs

/// A machine without processes: tests send the events and check the actions.
struct TestPool {
    let limits: WorkerPoolConfiguration
    private(set) var machine: PoolMachine
    private(set) var now = ContinuousClock.now
    /// The actions of the last event.
    private(set) var did: [PoolAction] = []

    static let crash = WorkerFailure(kind: .crash, code: "signal", message: "It crashed.")

    init(warm: Int, workers: Int = 4, maxTasksPerChild: Int? = nil, ready: Bool = false) {
        var configuration = WorkerPoolConfiguration(buildID: "build")
        configuration.warm = warm
        configuration.workers = workers
        configuration.maxTasksPerChild = maxTasksPerChild
        limits = configuration.corrected
        machine = PoolMachine(limits: limits, now: now)
        apply { [now] in $0.start(now: now) }
        guard ready else { return }
        for worker in 1...warm {
            launch(worker)
            self.ready(worker)
        }
    }

    mutating func apply(_ event: (inout PoolMachine) -> [PoolAction]) { did = event(&machine) }

    mutating func submit(_ names: String...) {
        apply { [now] machine in
            names.flatMap { machine.submit(WorkerTask(id: $0, name: $0), now: now) }
        }
    }

    mutating func launch(_ worker: WorkerID) { apply { $0.launched(worker, pid: Int32(1000 + worker)) } }
    mutating func ready(_ worker: WorkerID) { receive(.ready(buildID: "build"), from: worker) }
    mutating func cancel(_ task: String) { apply { $0.cancel(task) } }
    mutating func pass(_ time: Duration) { now += time }

    mutating func receive(_ frame: Frame, from worker: WorkerID) {
        apply { [now] in $0.received(frame, from: worker, now: now) }
    }

    mutating func exit(_ worker: WorkerID) {
        apply { [now] in $0.exited(worker, failure: Self.crash, now: now) }
    }

    mutating func fire(_ timer: PoolTimer) {
        apply { [now] in $0.timerFired(timer, now: now) }
    }
}
