import Testing

@testable import Jobs

@Suite
struct PoolResizeMachineTests {
    @Test("a larger pool starts the missing workers at once")
    func enlarges() {
        var pool = TestPool(warm: 1, workers: 1, ready: true)
        pool.apply { [now = pool.now] in $0.resize(3, now: now) }
        #expect(pool.did == [.start(2), .start(3)])
    }

    @Test("a smaller pool ends idle workers at once and busy ones after their task")
    func lessens() {
        var pool = TestPool(warm: 3, workers: 3, ready: true)
        pool.submit("a", "b")
        pool.apply { [now = pool.now] in $0.resize(1, now: now) }
        #expect(pool.did == [.kill(1)], "the idle one")
        pool.exit(1)
        #expect(pool.did.isEmpty, "it is not replaced")
        pool.receive(.succeeded(run: 1, []), from: 3)
        #expect(pool.did == [.finish(task: "a", .succeeded([])), .kill(3)])
        pool.receive(.succeeded(run: 2, []), from: 2)
        #expect(pool.did == [.finish(task: "b", .succeeded([]))], "the last one stays")
    }

    @Test("a surplus worker that is starting ends too")
    func lessensWhileStarting() {
        var pool = TestPool(warm: 2, workers: 2)
        pool.launch(1)
        pool.ready(1)
        pool.submit("a")
        pool.apply { [now = pool.now] in $0.resize(1, now: now) }
        #expect(pool.did == [.kill(2)])
    }

    @Test("a worker is replaced after exactly its number of tasks")
    func wearsOut() {
        var pool = TestPool(warm: 1, workers: 1, maxTasksPerChild: 2, ready: true)
        pool.submit("a", "b", "c")
        for run in 1...2 {
            pool.receive(.started(run: UInt64(run)), from: 1)
            pool.receive(.succeeded(run: UInt64(run), []), from: 1)
        }
        #expect(pool.did == [.finish(task: "b", .succeeded([])), .kill(1)])
        pool.exit(1)
        #expect(pool.did.first == .start(2), "the third task waits for the replacement")
        pool.launch(2)
        pool.ready(2)
        #expect(pool.did.contains(.send(2, .job(run: 3, WorkerTask(id: "c", name: "c")))))
    }

    @Test("a killed task's process is killed at once; a waiting task just ends")
    func kills() {
        var pool = TestPool(warm: 1, workers: 1, ready: true)
        pool.submit("a", "b")
        pool.apply { $0.kill("b") }
        #expect(pool.did == [.finish(task: "b", .cancelled(killed: false))])
        pool.apply { $0.kill("a") }
        #expect(pool.did == [.kill(1)])
        pool.exit(1)
        #expect(pool.did == [.finish(task: "a", .cancelled(killed: true)), .start(2)])
    }

    @Test("an interrupted task has no time limit until it is cancelled")
    func interrupts() {
        var pool = TestPool(warm: 1, workers: 1, ready: true)
        pool.submit("a")
        pool.apply { $0.interrupt("a") }
        #expect(pool.did == [.send(1, .cancel(run: 1))])
        pool.apply { $0.interrupt("a") }
        #expect(pool.did.isEmpty)
        pool.cancel("a")
        #expect(pool.did == [.wake(.grace(run: 1), after: pool.limits.cancelGrace)], "it was asked to stop before")
        pool.fire(.grace(run: 1))
        #expect(pool.did == [.kill(1)])
    }
}
