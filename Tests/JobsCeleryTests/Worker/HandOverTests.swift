import Jobs
import JobsConformance
import ServiceLifecycle
import Synchronization
import Testing

@testable import JobsCelery

@Suite("F14: the message of a long task", .timeLimit(.minutes(10)))
struct HandOverTests {
    private func bench(_ keeper: TestKeeper) throws -> WorkerBench {
        try WorkerBench { parts in
            parts.keeper = keeper
            parts.settings.handOver = .zero
        }
    }

    @Test("that could not be kept is settled at the broker when the task ends meanwhile")
    func notKept() async throws {
        let keeper = TestKeeper()
        keeper.failKeeping()
        let bench = try bench(keeper)
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            await keeper.tried()
            run.succeed()
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(keeper.held.isEmpty)
    }

    @Test("that is being kept when the task ends is settled at the broker, and kept no more")
    func stillKeeping() async throws {
        let keeper = TestKeeper()
        let bench = try bench(keeper)
        keeper.holdKeeping()
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            await keeper.tried()
            run.end(.shutDown)
            #expect(await bench.settlement(of: "a") == .returned)
            keeper.letKeep()
            while !keeper.released.contains("a: acknowledged") || !keeper.held.isEmpty { await Task.yield() }
        }
        #expect(keeper.held.isEmpty, "it would be given back a second time")
        #expect(!keeper.released.contains("a: returned"), "the broker gives it back")
        #expect(bench.broker.consumer.settled["a"] == .returned)
    }

    @Test("that is kept is forgotten however often that has to be tried")
    func releasedAgain() async throws {
        let keeper = TestKeeper()
        keeper.failReleasing(2)
        let bench = try bench(keeper)
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            #expect(await bench.settlement(of: "a") == .acknowledged)
            #expect(keeper.held == ["a"])
            run.succeed()
        }
        #expect(keeper.held.isEmpty)
        #expect(keeper.released == ["a: acknowledged"])
    }
}

/// Keeps messages in memory, when it does.
private final class TestKeeper: DeliveryVault {
    private struct State {
        var held: Set<String> = []
        var released: [String] = []
        var failsKeeping = false
        var releasesToFail = 0
        var isHolding = false
        var holding: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let tries = AsyncStream<Void>.makeStream()

    var held: Set<String> { state.withLock { $0.held } }
    var released: [String] { state.withLock { $0.released } }

    func failKeeping() { state.withLock { $0.failsKeeping = true } }
    func failReleasing(_ count: Int) { state.withLock { $0.releasesToFail = count } }
    func holdKeeping() { state.withLock { $0.isHolding = true } }

    func letKeep() {
        let waiting = state.withLock { state in
            state.isHolding = false
            defer { state.holding = [] }
            return state.holding
        }
        for caller in waiting { caller.resume() }
    }

    /// Waits until something was to be kept.
    func tried() async {
        for await _ in tries.stream { return }
    }

    func run() async throws { try? await gracefulShutdown() }

    func keep(_ delivery: JobsCelery.Delivery) async throws {
        tries.continuation.yield()
        await withCheckedContinuation { caller in
            let mustWait = state.withLock { state in
                if state.isHolding { state.holding.append(caller) }
                return state.isHolding
            }
            if !mustWait { caller.resume() }
        }
        try state.withLock { state in
            guard !state.failsKeeping else { throw CeleryError(.connectionLost, "Nobody knows.") }
            state.held.insert(delivery.tag)
        }
    }

    func release(_ delivery: JobsCelery.Delivery, as settlement: Settlement) async throws {
        try state.withLock { state in
            guard state.releasesToFail == 0 else {
                state.releasesToFail -= 1
                throw CeleryError(.connectionLost, "Nobody knows.")
            }
            state.held.remove(delivery.tag)
            state.released.append("\(delivery.tag): \(settlement)")
        }
    }
}
