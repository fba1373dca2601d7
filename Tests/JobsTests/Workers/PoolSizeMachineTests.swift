import Testing

@testable import Jobs

@Suite
struct PoolSizeMachineTests {
    @Test("it grows only if no task was dispatched for the grow delay")
    func grows() {
        var pool = TestPool(warm: 1, workers: 3, ready: true)
        pool.submit("a", "b", "c", "d", "e")
        #expect(pool.did.last == .wake(.grow, after: pool.limits.growDelay))
        pool.pass(.milliseconds(5))
        pool.receive(.succeeded(run: 1, []), from: 1)
        pool.pass(.milliseconds(6))
        pool.fire(.grow)
        #expect(pool.did == [.wake(.grow, after: .milliseconds(4))], "tasks are being dispatched")
        pool.pass(.milliseconds(10))
        pool.fire(.grow)
        #expect(pool.did == [.start(2), .start(3)], "as many as tasks wait, up to the maximum")
    }

    @Test("it does not grow while workers are starting")
    func doesNotGrowTwice() {
        var pool = TestPool(warm: 1, workers: 3)
        pool.submit("a", "b", "c", "d", "e")
        #expect(pool.did.isEmpty)
        pool.pass(.milliseconds(50))
        pool.launch(1)
        pool.ready(1)
        #expect(pool.did.last == .wake(.grow, after: .milliseconds(10)))
        pool.pass(.milliseconds(10))
        pool.fire(.grow)
        #expect(pool.did == [.start(2), .start(3)])
    }

    @Test("idle workers beyond the warm number end, longest idle first")
    func shrinks() {
        var pool = TestPool(warm: 1, workers: 3, ready: true)
        pool.submit("a", "b", "c")
        pool.pass(.milliseconds(10))
        pool.fire(.grow)
        for worker in 2...3 {
            pool.launch(worker)
            pool.ready(worker)
        }
        pool.receive(.succeeded(run: 2, []), from: 2)
        #expect(
            pool.did == [
                .finish(task: "b", .succeeded([])), .wake(.shrink, after: pool.limits.idleTimeout),
            ]
        )
        pool.pass(.seconds(20))
        pool.receive(.succeeded(run: 1, []), from: 1)
        pool.pass(.seconds(10))
        pool.fire(.shrink)
        #expect(pool.did == [.kill(2), .wake(.shrink, after: .seconds(20))])
        pool.exit(2)
        #expect(pool.did.isEmpty, "it is not replaced")
        pool.pass(.seconds(20))
        pool.fire(.shrink)
        #expect(pool.did == [.kill(1)])
        pool.exit(1)
        pool.receive(.succeeded(run: 3, []), from: 3)
        #expect(pool.did == [.finish(task: "c", .succeeded([]))], "the warm one stays")
    }

    @Test("repeated deaths of unused workers delay the next start")
    func idleDeaths() {
        var pool = TestPool(warm: 1)
        var worker = 1
        while worker < 100, pool.did.contains(.start(worker)) {
            pool.launch(worker)
            pool.ready(worker)
            pool.exit(worker)
            worker += 1
        }
        #expect(worker == PoolLimits.freeIdleDeaths + 3)
        #expect(pool.did == [.wake(.start(worker), after: .milliseconds(100))])
    }

    @Test("a graceful stop lets tasks end until the grace period is over")
    func stops() {
        var pool = TestPool(warm: 2, ready: true)
        pool.submit("a")
        pool.apply { $0.stop(graceful: true) }
        #expect(pool.did.contains(.wake(.shutdown, after: pool.limits.shutdownGrace)))
        pool.submit("late")
        #expect(pool.did == [.finish(task: "late", .shutDown)])
        pool.fire(.shutdown)
        #expect(pool.did.contains(.kill(2)))
        pool.exit(1)
        pool.receive(.started(run: 1), from: 2)
        pool.exit(2)
        #expect(pool.did == [.finish(task: "a", .shutDown), .stopped])
    }
}
