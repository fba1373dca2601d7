import Synchronization

/// Synchronizes jobs and tests.
///
/// A job calls `try await stage.wait(for: "half")`; the test lets it continue with `stage.open("half")`, and waits with
/// `await stage.arrival(at: "half")` until the job is there.
final class Stage: Sendable {
    private struct State {
        var open: Set<String> = []
        var arrived: Set<String> = []
        var jobs: [Int: (name: String, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var tests: [(name: String, continuation: CheckedContinuation<Void, Never>)] = []
        var last = 0
    }

    private let state = Mutex(State())

    /// Waits until the test opens the gate; throws if the task is cancelled.
    func wait(for name: String) async throws {
        arrive(at: name)
        let key = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.open.contains(name) { return .success(()) }
                    state.jobs[key] = (name, continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.jobs.removeValue(forKey: key) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Opens a gate for current and later waiters.
    func open(_ name: String) {
        let jobs = state.withLock { state in
            state.open.insert(name)
            let due = state.jobs.filter { $0.value.name == name }
            for key in due.keys { state.jobs[key] = nil }
            return due.values.map(\.continuation)
        }
        for job in jobs { job.resume() }
    }

    /// Signals that a job has reached a gate.
    func arrive(at name: String) {
        let tests = state.withLock { state in
            state.arrived.insert(name)
            defer { state.tests.removeAll { $0.name == name } }
            return state.tests.filter { $0.name == name }.map(\.continuation)
        }
        for test in tests { test.resume() }
    }

    /// Waits until a job has reached a gate.
    func arrival(at name: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if !state.arrived.contains(name) { state.tests.append((name, continuation)) }
                return state.arrived.contains(name)
            }
            if isThere { continuation.resume() }
        }
    }

    /// Whether a job has reached a gate.
    func wasReached(_ name: String) -> Bool { state.withLock { $0.arrived.contains(name) } }
}

/// A counter for closures.
final class Counter: Sendable {
    private let number = Mutex(0)

    /// Increments the counter and returns it.
    @discardableResult
    func count() -> Int {
        number.withLock { number in
            number += 1
            return number
        }
    }

    var value: Int { number.withLock { $0 } }
}
