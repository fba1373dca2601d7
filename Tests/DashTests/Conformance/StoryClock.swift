import Synchronization

/// The clock of a recording: jobs sleep on it, and the replay advances it by the recorded pauses.
final class StoryClock: Sendable {
    private struct Sleeper {
        let until: Double
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = 0.0
        var sleepers: [Int: Sleeper] = [:]
        var last = 0
        var begun = 0
    }

    /// The timeline of one job: its sleeps are consecutive, however late the job reaches them.
    final class Timeline: Sendable {
        private let clock: StoryClock
        private let time: Mutex<Double>

        fileprivate init(_ clock: StoryClock, start: Double) {
            self.clock = clock
            time = Mutex(start)
        }

        /// Waits for a number of seconds after the previous sleep; throws when the job is cancelled.
        func sleep(_ seconds: Double) async throws {
            let end = time.withLock { time in
                time += seconds
                return time
            }
            try await clock.sleep(until: end)
        }
    }

    /// The number of started jobs.
    var begun: Int { state.withLock { $0.begun } }

    /// Starts the timeline of a job.
    func begin() -> Timeline {
        let start = state.withLock { state in
            state.begun += 1
            return state.now
        }
        return Timeline(self, start: start)
    }

    private let state = Mutex(State())

    /// Advances the clock.
    func advance(by seconds: Double) {
        let due = state.withLock { state in
            state.now += seconds
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values.map(\.continuation)
        }
        for sleeper in due { sleeper.resume() }
    }

    private func sleep(until end: Double) async throws {
        let key = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if end <= state.now { return .success(()) }
                    state.sleepers[key] = Sleeper(until: end, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: key) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
