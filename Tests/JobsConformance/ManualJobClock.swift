package import Jobs
import Synchronization

/// A clock that only tests advance.
package final class ManualJobClock: JobClock {
    private struct Sleeper {
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = JobTime(monotonic: .seconds(1000), wall: WallTime(milliseconds: 1_800_000_000_000))
        var sleepers: [Int: Sleeper] = [:]
        var lastSleeper = 0
    }

    private let state = Mutex(State())

    /// Creates a clock.
    package init() {}

    /// The current time.
    package func now() -> JobTime { state.withLock { $0.now } }

    /// The number of sleeping tasks.
    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Advances the clock and wakes the tasks that are due.
    package func advance(by duration: Duration) {
        let woken = state.withLock { state in
            state.now.monotonic += duration
            state.now.wall = state.now.wall + duration
            let due = state.sleepers.filter { $0.value.deadline <= state.now.monotonic }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Sleeps until the clock reaches the deadline.
    package func sleep(until deadline: Duration) async throws {
        let number = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if deadline <= state.now.monotonic { return .success(()) }
                    state.sleepers[number] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: number) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
