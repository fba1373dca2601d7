import Synchronization

/// Something that many wait for and that happens once, well or badly.
final class Gate: Sendable {
    private enum State {
        case closed([Int: CheckedContinuation<Void, any Error>])
        case decided(Result<Void, any Error>)
    }

    private let state = Mutex(State.closed([:]))
    private let tickets = Atomic(0)

    /// Returns when the gate is open.
    ///
    /// - Throws: What the gate was closed for good with, or `CancellationError` if the task is cancelled before.
    func wait() async throws {
        if case .decided(let result) = state.withLock({ $0 }) { return try result.get() }
        let ticket = tickets.wrappingAdd(1, ordering: .relaxed).newValue
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enter($0, ticket) }
        } onCancel: {
            leave(ticket)
        }
    }

    /// Lets everybody through, or throws at everybody, from now on. A later decision replaces an earlier one.
    func decide(_ result: Result<Void, any Error>) {
        let waiting = state.withLock { state in
            defer { state = .decided(result) }
            if case .closed(let waiting) = state { return Array(waiting.values) }
            return []
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    private func enter(_ continuation: CheckedContinuation<Void, any Error>, _ ticket: Int) {
        let result: Result<Void, any Error>? = state.withLock { state in
            switch state {
            case .decided(let result): return result
            case .closed(var waiting):
                if Task.isCancelled { return .failure(CancellationError()) }
                waiting[ticket] = continuation
                state = .closed(waiting)
                return nil
            }
        }
        if let result { continuation.resume(with: result) }
    }

    private func leave(_ ticket: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard case .closed(var waiting) = state else { return nil }
            let continuation = waiting.removeValue(forKey: ticket)
            state = .closed(waiting)
            return continuation
        }
        continuation?.resume(throwing: CancellationError())
    }
}
