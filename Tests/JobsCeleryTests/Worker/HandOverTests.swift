import Jobs
import JobsConformance
import ServiceLifecycle
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("F14: the message of a long task", .timeLimit(.minutes(10)))
struct HandOverTests {
    private func bench(_ vault: TestVault) throws -> WorkerBench {
        try WorkerBench { parts in
            parts.vault = vault
            parts.settings.handOver = .zero
        }
    }

    @Test("whose copy failed is settled at the broker when the task ends meanwhile")
    func notKept() async throws {
        let vault = TestVault()
        vault.failCopies()
        let bench = try bench(vault)
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            await vault.copyAttempt()
            run.succeed()
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(vault.held.isEmpty)
    }

    @Test("that is being copied when the task ends is settled at the broker, and removed from the vault")
    func stillKeeping() async throws {
        let vault = TestVault()
        let bench = try bench(vault)
        vault.blockCopies()
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            await vault.copyAttempt()
            run.end(.shutDown)
            #expect(await bench.settlement(of: "a") == .returned)
            vault.unblockCopies()
            while !vault.released.contains("a: acknowledged") || !vault.held.isEmpty { await Task.yield() }
        }
        #expect(vault.held.isEmpty, "it would be requeued a second time")
        #expect(!vault.released.contains("a: returned"), "the broker requeues it")
        #expect(bench.broker.consumer.settled["a"] == .returned)
    }

    @Test("is removed from the vault, with retries")
    func releasedAgain() async throws {
        let vault = TestVault()
        vault.failReleases(2)
        let bench = try bench(vault)
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            #expect(await bench.settlement(of: "a") == .acknowledged)
            #expect(vault.held == ["a"])
            run.succeed()
        }
        #expect(vault.held.isEmpty)
        #expect(vault.released == ["a: acknowledged"])
    }
}

/// Keeps messages in memory, and fails on demand.
final class TestVault: DeliveryVault {
    private struct State {
        var held: Set<String> = []
        var released: [String] = []
        var failsCopies = false
        var failingReleases = 0
        var isBlocked = false
        var blocked: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let attempts = AsyncStream<Void>.makeStream()

    var held: Set<String> { state.withLock { $0.held } }
    var released: [String] { state.withLock { $0.released } }

    func failCopies() { state.withLock { $0.failsCopies = true } }
    func failReleases(_ count: Int) { state.withLock { $0.failingReleases = count } }
    func blockCopies() { state.withLock { $0.isBlocked = true } }

    func unblockCopies() {
        let waiting = state.withLock { state in
            state.isBlocked = false
            defer { state.blocked = [] }
            return state.blocked
        }
        for caller in waiting { caller.resume() }
    }

    /// Waits for an attempt to copy a message.
    func copyAttempt() async {
        for await _ in attempts.stream { return }
    }

    func run() async throws { try? await gracefulShutdown() }

    func keep(_ delivery: JobsCelery.Delivery) async throws {
        attempts.continuation.yield()
        await withCheckedContinuation { caller in
            let mustWait = state.withLock { state in
                if state.isBlocked { state.blocked.append(caller) }
                return state.isBlocked
            }
            if !mustWait { caller.resume() }
        }
        try state.withLock { state in
            guard !state.failsCopies else { throw CeleryError(.connectionLost, "The connection was lost.") }
            state.held.insert(delivery.tag)
        }
    }

    func release(_ delivery: JobsCelery.Delivery, as settlement: Settlement) async throws {
        try state.withLock { state in
            guard state.failingReleases == 0 else {
                state.failingReleases -= 1
                throw CeleryError(.connectionLost, "The connection was lost.")
            }
            state.held.remove(delivery.tag)
            state.released.append("\(delivery.tag): \(settlement)")
        }
    }
}
