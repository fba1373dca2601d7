import Jobs
import Support
import Synchronization

/// Those of this process who wait for news of jobs.
final class JobNotifier: Sendable {
    private struct State {
        var bells: [JobID: [Int: AsyncSignal]] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// Waits beside a door until it is left. What rang since the last wait is not missed.
    struct Waiter {
        fileprivate let bell: AsyncSignal

        /// Returns when the bell has rung, or the task is cancelled.
        func rung() async {
            await bell.wait()
        }
    }

    /// The jobs that somebody waits for.
    var waitedFor: [JobID] { state.withLock { Array($0.bells.keys) } }

    /// Lets somebody wait for a job's news.
    func withWaiter<Value>(for id: JobID, _ body: (Waiter) async throws -> Value) async rethrows -> Value {
        let bell = AsyncSignal()
        let number = state.withLock { state in
            state.lastNumber += 1
            state.bells[id, default: [:]][state.lastNumber] = bell
            return state.lastNumber
        }
        defer {
            state.withLock { state in
                state.bells[id]?[number] = nil
                if state.bells[id]?.isEmpty == true { state.bells[id] = nil }
            }
        }
        return try await body(Waiter(bell: bell))
    }

    /// There may be news of a job.
    func ring(_ id: JobID) {
        for bell in state.withLock({ $0.bells[id].map { Array($0.values) } ?? [] }) { bell.signal() }
    }

    /// There may be news of any job.
    func ringAll() {
        for bell in state.withLock({ $0.bells.values.flatMap(\.values) }) { bell.signal() }
    }
}

/// Counts the calls under way, so that a manager that stops ends its connections after the last one.
final class OpenCalls: Sendable {
    struct State {
        var isClosed = false
        var count = 0
        var emptied: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Does something that the end of the connections waits for.
    ///
    /// - Throws: `JobsError.stopped` when no calls are taken any more.
    func during<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return state.isClosed
        }
        if isClosed { throw JobsError(.stopped, "The manager of jobs has stopped.") }
        defer { leave() }
        return try await body()
    }

    private func leave() {
        let emptied = state.withLock { state in
            state.count -= 1
            return state.takeEmptied()
        }
        emptied?.resume()
    }

    /// Takes no calls any more.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Waits until the last call has returned.
    func empty() async {
        await withCheckedContinuation { continuation in
            let emptied = state.withLock { state in
                state.emptied = continuation
                return state.takeEmptied()
            }
            emptied?.resume()
        }
    }
}

extension OpenCalls.State {
    /// Who waits for the last call to return, if it has.
    fileprivate mutating func takeEmptied() -> CheckedContinuation<Void, Never>? {
        guard isClosed, count == 0 else { return nil }
        defer { emptied = nil }
        return emptied
    }
}
