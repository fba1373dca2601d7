import Synchronization
import Testing

/// A suite that uses servers or starts programs. At most three of these run at once, whatever the parallelism of the
/// run: with more, heartbeats and leases expire on a starved machine.
///
/// A suite waits before its first test starts, so that time limits do not include the wait.
struct TakesTurns: SuiteTrait, TestScoping {
    private static let slots = Slots(3)

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Self.slots.take()
        defer { Self.slots.release() }
        try await function()
    }
}

extension Trait where Self == TakesTurns {
    /// Runs with at most two other suites that use servers or programs.
    static var takesTurns: Self { Self() }
}

/// A counting semaphore for tasks, first come, first served.
private final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    func take() async {
        await withCheckedContinuation { waiter in
            let isFree = state.withLock { state in
                if state.free == 0 {
                    state.waiters.append(waiter)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { waiter.resume() }
        }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiters.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.resume()
    }
}
