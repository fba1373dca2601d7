package import DashJSON
package import Jobs
import Synchronization

/// Wraps a store; its calls fail or hang on request.
package final class FaultyStore: JobStore {
    /// The fault of a call.
    package enum Fault: Sendable {
        case none
        /// Fails without effect.
        case fail
        /// Takes effect and then fails.
        case doThenFail
    }

    private struct State {
        var calls = 0
        var writes: [[StoreChange]] = []
        var fault: @Sendable (Int) -> Fault = { _ in .none }
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    /// The error of a failing call.
    package static let error = JobsError(.storage, "The disk is full.")

    private let base: any JobStore
    private let state = Mutex(State())

    /// Wraps a store.
    package init(_ base: any JobStore) {
        self.base = base
    }

    /// The number of calls since faults were last set, without opening and closing.
    package var calls: Int { state.withLock { $0.calls } }

    /// The attempted writes since faults were last set.
    package var writes: [[StoreChange]] { state.withLock { $0.writes } }

    /// Sets the fault for each call by its number, from 1, and resets the count.
    package func setFaults(_ fault: @escaping @Sendable (Int) -> Fault) {
        state.withLock { state in
            state.fault = fault
            state.calls = 0
            state.writes = []
        }
    }

    /// Lets writes hang from now on.
    package func hold() {
        state.withLock { $0.isHolding = true }
    }

    /// Resumes the writes.
    package func release() {
        let held = state.withLock { state in
            defer { state.held = [] }
            state.isHolding = false
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Opens the wrapped store; never fails.
    package func open() async throws -> [StoredJob] { try await base.open() }

    /// Writes, or fails.
    package func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
        state.withLock { $0.writes.append(changes) }
        return try await call {
            await untilReleased()
            return try await base.write(changes)
        }
    }

    /// Reads, or fails.
    package func job(_ id: JobID) async throws -> StoredJob? {
        try await call { try await base.job(id) }
    }

    /// Reads, or fails.
    package func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        try await call { try await base.cachedResult(for: key, at: time) }
    }

    /// Prunes, or fails.
    package func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        try await call { try await base.prune(finishedBefore: limit, at: time) }
    }

    /// Closes the wrapped store.
    package func close() async { await base.close() }

    private func call<Value>(_ body: () async throws -> Value) async throws -> Value {
        let fault = state.withLock { state in
            state.calls += 1
            return state.fault(state.calls)
        }
        switch fault {
        case .none: return try await body()
        case .fail: throw Self.error
        case .doThenFail:
            _ = try await body()
            throw Self.error
        }
    }

    private func untilReleased() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if !isHeld { continuation.resume() }
        }
    }
}
