import Jobs
import Testing

@testable import JobsCelery

@Suite
struct WorkerMachineTests {
    @Test("F29: slots are filled in the order of arrival, the rest waits")
    func slots() {
        var worker = TestMachine(slots: 2)
        let tasks = ["a", "b", "c"].map { worker.receive($0) }
        #expect(worker.begun == ["a", "b"])
        worker.finish(tasks[0])
        #expect(worker.begun == ["a", "b", "c"])
        #expect(worker.machine.load.processed == 3)
        #expect(worker.machine.totals == ["work": 3])
    }

    @Test("completions may be batched only if no slot is free and more work follows")
    func busy() {
        var worker = TestMachine(slots: 1, prefetchMultiplier: 4)
        let first = worker.receive("a")
        #expect(!worker.machine.isBusy, "nothing follows its completion")
        let second = worker.receive("b")
        #expect(!worker.machine.isBusy, "messages are wanted")
        _ = worker.machine.startFetching()
        #expect(worker.machine.isBusy, "messages are being fetched")
        worker.machine.fetched()
        worker.receive("c")
        #expect(worker.machine.isBusy)
        for task in [first, second] { worker.finish(task) }
        _ = worker.machine.startFetching()
        #expect(worker.begun == ["a", "b", "c"] && worker.machine.isBusy)
        _ = worker.machine.stopWarm()
        #expect(!worker.machine.isBusy)
    }

    @Test("two messages of one id do not run at the same time")
    func sameID() {
        var worker = TestMachine(slots: 2)
        let first = worker.receive("a")
        _ = worker.receive("a", tag: "a2")
        #expect(worker.begun == ["a"])
        worker.finish(first)
        #expect(worker.begun == ["a", "a"])
    }

    @Test("a redelivery during the run replaces the old delivery")
    func adopts() {
        var worker = TestMachine(slots: 1)
        let task = worker.receive("a", tag: "old")
        worker.receive("a", tag: "new", isRedelivered: true)
        #expect(worker.begun == ["a"])
        #expect(worker.actions == ["forget old"])
        #expect(worker.machine.delivery(of: task).tag == "new")
    }

    @Test("a task with an eta is postponed; if the eta is near, it waits here")
    func eta() {
        var worker = TestMachine(slots: 1)
        let now = worker.time.wall
        worker.receive("far") { $0.eta = now + 60_000 }
        #expect(worker.actions == ["settle far postponed(until: 1060000)"])
        #expect(worker.machine.postponed.keys.sorted() == ["far"])
        worker.receive("near") { $0.eta = now + 200 }
        #expect(worker.begun.isEmpty)
        #expect(worker.wake == .milliseconds(200))
        worker.pass(.milliseconds(200))
        #expect(worker.begun == ["near"])
    }

    @Test("revoked and expired tasks are not run; checked at arrival and before the run")
    func drops() {
        var worker = TestMachine(slots: 1)
        worker.revoked.insert(["a"])
        worker.receive("a")
        let running = worker.receive("b")
        let now = worker.time.wall
        worker.receive("c") { $0.expires = now + 1000 }
        worker.receive("d")
        worker.revoked.insert(["d"])
        worker.pass(.seconds(2))
        worker.finish(running)
        #expect(worker.begun == ["b"])
        #expect(worker.actions == ["drop a revoked", "drop c expired", "drop d revoked"])
        #expect(worker.revoked.ids.sorted() == ["a", "c", "d"], "an expired id counts as revoked from then on")
    }

    @Test("F14: a rate limit of 2/s starts tasks at 0, 0.5, 1.0 s")
    func rateLimit() {
        var worker = TestMachine(slots: 8)
        worker.apply { $0.setRateLimit(RateLimit(text: "2/s", perSecond: 2), of: "work", at: $1) }
        for id in ["a", "b", "c"] { worker.receive(id) }
        worker.receive("other") { $0.task = "free" }
        #expect(worker.begun == ["a", "other"], "other tasks do not wait")
        #expect(worker.wake == .milliseconds(500))
        worker.pass(.milliseconds(500))
        #expect(worker.begun == ["a", "other", "b"])
        worker.pass(.milliseconds(499))
        #expect(worker.begun.count == 3)
        worker.pass(.milliseconds(1))
        #expect(worker.begun == ["a", "other", "b", "c"])
        worker.apply { $0.setRateLimit(nil, of: "work", at: $1) }
        worker.receive("d")
        #expect(worker.begun.last == "d")
    }

    @Test("a soft limit interrupts, a hard limit kills; the message's limits precede the task's, then the worker's")
    func timeLimits() {
        var worker = TestMachine(slots: 3, limits: RunLimits(soft: 10, hard: 20))
        let plain = worker.receive("plain")
        let own = worker.receive("own") { $0.hardTimeLimit = 3 }
        worker.machine.setTimeLimits(RunLimits(hard: 5), of: "named")
        let named = worker.receive("named") { $0.task = "named" }
        for task in [plain, own, named] { worker.start(task) }
        #expect(worker.wake == .seconds(3))
        worker.pass(.seconds(3))
        #expect(worker.actions == ["stop own kill"])
        #expect(worker.finish(own, .cancelled(killed: true)) == .hardLimit(3))
        worker.pass(.seconds(2))
        #expect(worker.actions == ["stop own kill", "stop named kill"])
        worker.pass(.seconds(5))
        #expect(worker.actions.last == "stop plain interrupt")
        worker.pass(.seconds(10))
        #expect(worker.actions.last == "stop plain kill")
        #expect(worker.finish(plain, .cancelled(killed: true)) == .hardLimit(20))
    }

    @Test("a task that stops at its soft limit ends by it; one that succeeds in spite of it has succeeded")
    func softLimit() {
        var worker = TestMachine(slots: 2, limits: RunLimits(soft: 1))
        let (tidy, stubborn) = (worker.receive("tidy"), worker.receive("stubborn"))
        for task in [tidy, stubborn] { worker.start(task) }
        worker.pass(.seconds(1))
        #expect(worker.actions == ["stop tidy interrupt", "stop stubborn interrupt"])
        #expect(worker.finish(tidy, .cancelled(killed: false)) == .softLimit(1))
        #expect(worker.finish(stubborn, .succeeded([1])) == .outcome(.succeeded([1])))
    }

    @Test("F4: a stop before the process has begun takes effect when it has")
    func earlyStop() {
        var worker = TestMachine(slots: 1)
        let task = worker.receive("a")
        worker.apply { machine, _ in machine.terminate(["a"], signal: 15).actions }
        #expect(!worker.machine.mayRun(task))
        worker.start(task)
        #expect(worker.actions == ["stop a cancel", "stop a cancel"])
        #expect(worker.finish(task, .cancelled(killed: false)) == .terminated(15))
    }

    @Test("terminate and revoke distinguish running, waiting and unknown tasks")
    func terminate() {
        var worker = TestMachine(slots: 1)
        worker.receive("runs")
        worker.receive("waits")
        var known: [String] = []
        worker.apply { machine, _ in
            let result = machine.terminate(["runs", "waits", "gone"], signal: 9)
            known = result.known
            return result.actions
        }
        #expect(known == ["runs", "waits"])
        #expect(worker.actions == ["stop runs kill", "drop waits revoked"])
        var unknown: [String] = []
        worker.apply { machine, _ in
            let result = machine.revoke(["runs", "gone"])
            unknown = result.unknown
            return result.actions
        }
        #expect(unknown == ["gone"])
    }

    @Test("F26: a warm stop requeues waiting tasks and completes running ones")
    func warm() {
        var worker = TestMachine(slots: 1)
        let task = worker.receive("a")
        worker.receive("b")
        worker.apply { machine, _ in machine.stopWarm() }
        #expect(worker.actions == ["stopFetching", "settle b returned"])
        worker.receive("late")
        #expect(worker.actions.last == "settle late returned")
        #expect(worker.finish(task, .succeeded([])) == .outcome(.succeeded([])))
        #expect(worker.actions.last == "drained")
    }

    @Test("F26: a cold stop kills running tasks and requeues them")
    func cold() {
        var worker = TestMachine(slots: 1)
        let task = worker.receive("a")
        worker.receive("b")
        worker.apply { machine, _ in machine.stopWarm() }
        worker.apply { machine, _ in machine.stopCold() }
        #expect(worker.actions == ["stopFetching", "settle b returned", "stop a kill"])
        #expect(worker.finish(task, .cancelled(killed: true)) == .interrupted)
        #expect(worker.actions.last == "drained")
    }

    @Test("a larger pool runs waiting tasks")
    func resizes() {
        var worker = TestMachine(slots: 1, prefetchMultiplier: 4)
        worker.receive("a")
        worker.receive("b")
        worker.apply { $0.resize(by: 1, at: $1) }
        #expect(worker.begun == ["a", "b"])
        #expect(worker.actions == ["resize 2 8"])
        worker.apply { $0.resize(by: -5, at: $1) }
        #expect(worker.actions.last == "resize 1 4")
    }

    @Test("F14: the message of a long task is handed over once, and again after a failure")
    func handOver() {
        var worker = TestMachine(slots: 1, handOverAfter: .seconds(600))
        let task = worker.receive("a")
        worker.start(task)
        #expect(worker.wake == .seconds(600))
        worker.pass(.seconds(600))
        #expect(worker.actions == ["handOver a"])
        worker.pass(.seconds(600))
        #expect(worker.actions == ["handOver a"])
        worker.apply { machine, _ in machine.handOverFailed(task) }
        worker.pass(.seconds(1))
        #expect(worker.actions == ["handOver a", "handOver a"])
    }

    @Test("F29: a slot whose task's message was handed over takes no further message until the task has ended")
    func handedOver() {
        var worker = TestMachine(slots: 2, prefetchMultiplier: 3, handOverAfter: .seconds(600))
        let tasks = ["a", "b"].map { worker.receive($0) }
        for task in tasks { worker.start(task) }
        for task in tasks { worker.apply { machine, _ in machine.handedOver(task, task.delivery) ?? [] } }
        #expect(worker.actions == ["limit 3", "settle a acknowledged", "limit 0", "settle b acknowledged"])
        worker.apply { $0.resize(by: 1, at: $1) }
        #expect(worker.actions.last == "resize 3 3")
        worker.finish(tasks[0])
        #expect(worker.actions.last == "limit 6")
        worker.finish(tasks[1])
        #expect(worker.actions.last == "limit 9")
        worker.apply { machine, _ in machine.handedOver(tasks[0], tasks[0].delivery) ?? [] }
        #expect(worker.actions.last == "limit 9", "a completed task is not handed over")
    }
}
