import Testing

@testable import Jobs

@Suite
struct PoolMachineTests {
    @Test("it starts the warm workers and gives each ready one the oldest task")
    func dispatches() {
        var pool = TestPool(warm: 2)
        #expect(pool.did == [.start(1), .start(2)])
        pool.submit("a", "b", "c")
        pool.ready(1)
        #expect(pool.did.contains(.send(1, .job(run: 1, WorkerTask(id: "a", name: "a")))))
        pool.ready(2)
        #expect(pool.did.contains(.send(2, .job(run: 2, WorkerTask(id: "b", name: "b")))))
        pool.receive(.succeeded(run: 1, [1]), from: 1)
        #expect(
            pool.did.prefix(2) == [
                .finish(task: "a", .succeeded([1])), .send(1, .job(run: 3, WorkerTask(id: "c", name: "c"))),
            ]
        )
    }

    @Test("frames of an ended run are ignored")
    func lateFrames() {
        var pool = TestPool(warm: 1, ready: true)
        pool.submit("a")
        pool.receive(.succeeded(run: 1, []), from: 1)
        pool.receive(.progress(run: 1, [1]), from: 1)
        #expect(pool.did.isEmpty)
        pool.receive(.cancelled(run: 1), from: 1)
        #expect(pool.did.isEmpty)
    }

    @Test("a task whose worker died before it began is requeued; afterwards it is a crash")
    func lostTasks() {
        var pool = TestPool(warm: 1, ready: true)
        pool.submit("a")
        pool.exit(1)
        #expect(pool.did == [.start(2)])
        pool.launch(2)
        pool.ready(2)
        #expect(pool.did.contains(.send(2, .job(run: 2, WorkerTask(id: "a", name: "a")))))
        pool.receive(.started(run: 2), from: 2)
        #expect(pool.did == [.update(task: "a", .started(worker: 1002))])
        pool.exit(2)
        #expect(pool.did.first == .finish(task: "a", .failed(TestPool.crash)))
    }

    @Test("a task that kills its worker before it begins is retried a limited number of times")
    func endlessLoss() {
        var pool = TestPool(warm: 1, ready: true)
        pool.submit("a")
        var ends = 0
        while !pool.did.contains(.finish(task: "a", .failed(TestPool.crash))), ends < 100 {
            ends += 1
            pool.exit(ends)
            guard !pool.did.contains(.finish(task: "a", .failed(TestPool.crash))) else { break }
            pool.launch(ends + 1)
            pool.ready(ends + 1)
        }
        #expect(ends == PoolLimits.restarts + 1)
    }

    @Test("a cancelled run is asked to stop, then killed after the grace period; a late result counts")
    func cancels() {
        var pool = TestPool(warm: 1, ready: true)
        pool.submit("a")
        pool.cancel("a")
        #expect(pool.did == [.send(1, .cancel(run: 1)), .wake(.grace(run: 1), after: pool.limits.cancelGrace)])
        pool.cancel("a")
        #expect(pool.did.isEmpty, "only once")
        pool.fire(.grace(run: 1))
        #expect(pool.did == [.kill(1)])
        pool.receive(.succeeded(run: 1, [7]), from: 1)
        #expect(pool.did == [.finish(task: "a", .succeeded([7])), .kill(1)])
        pool.submit("b")
        #expect(!pool.did.contains { if case .send = $0 { true } else { false } }, "a dying worker gets no task")
    }

    @Test("a grace period that ends after its run does not kill the next run")
    func lateGrace() {
        var pool = TestPool(warm: 1, ready: true)
        pool.submit("a")
        pool.cancel("a")
        pool.receive(.cancelled(run: 1), from: 1)
        #expect(pool.did.first == .finish(task: "a", .cancelled(killed: false)))
        pool.submit("b")
        pool.fire(.grace(run: 1))
        #expect(pool.did.isEmpty)
    }

    @Test("failed starts are retried with growing delays, and finally fail the waiting tasks")
    func failedStarts() {
        var pool = TestPool(warm: 1)
        pool.submit("a")
        pool.exit(1)
        #expect(pool.did.contains(.start(2)), "the first retry is immediate")
        pool.exit(2)
        #expect(pool.did.contains(.wake(.start(3), after: .milliseconds(100))))
        pool.fire(.start(3))
        #expect(pool.did == [.start(3)])
        pool.exit(3)
        let failure = WorkerFailure.startup(TestPool.crash)
        #expect(pool.did.contains(.finish(task: "a", .failed(failure))))
        #expect(failure.kind == .startup)
        #expect(PoolLimits.delay(afterFailedStarts: 1000) == .seconds(5))
    }

    @Test("a kill requested before the process is launched is executed then")
    func killedWhileStarting() {
        var pool = TestPool(warm: 1)
        pool.apply { $0.stop(graceful: true) }
        #expect(pool.did == [.kill(1)])
        pool.launch(1)
        #expect(pool.did == [.kill(1)])
        pool.exit(1)
        #expect(pool.did == [.stopped])
    }
}
