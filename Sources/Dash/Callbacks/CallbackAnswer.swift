import Synchronization

/// The answer to a request that runs a regular callback.
enum CallbackAnswer: Sendable, Hashable {
    /// Status 200 with this body.
    case body([UInt8])
    /// Status 204: everything stays as it is.
    case noUpdate
}

extension DashApp {
    /// Runs a regular callback in this process.
    ///
    /// - Parameters:
    ///   - callback: What is run.
    ///   - request: The browser's request, decoded for this callback.
    ///   - page: What the callback may know of the request.
    ///   - owner: Who asked.
    /// - Throws: what the callback threw if no `onError` handles it, or what that threw.
    func answer(
        _ callback: Callback,
        to request: CallbackRequest,
        page: PageRequest,
        owner: String
    ) async throws -> CallbackAnswer {
        let sideUpdates = SideUpdates()
        let context = request.context(page: page, owner: owner, emit: sideUpdates.collect)
        let outcome: CallbackOutcome
        do {
            outcome = try await callback.run(in: context)
        } catch {
            guard let handled = try await recover(callback, from: CallbackFailure(error), in: context) else {
                throw error
            }
            outcome = handled
        }
        return CallbackAnswer(outcome, of: callback, targets: request.targets, sideUpdates: sideUpdates.all)
    }

    /// Hands a failure to the callback's `onError`, or to the app's if it has none.
    ///
    /// - Returns: what to answer instead; `nil` if there is no handler.
    /// - Throws: what the handler throws.
    func recover(
        _ callback: Callback,
        from failure: CallbackFailure,
        in context: CallbackContext
    ) async throws -> CallbackOutcome? {
        if let handled = try await callback.recover(from: failure, in: context) { return handled }
        guard let handle = withSettings({ $0.onError }) else { return nil }
        try await CallbackContext.$current.withValue(context) { try await handle(failure) }
        return .updates([])
    }
}

extension CallbackAnswer {
    /// The answer for an outcome.
    ///
    /// A callback without outputs that set nothing, and ``PreventUpdate``, are no update. What was set before
    /// ``PreventUpdate`` was thrown is still set.
    init(
        _ outcome: CallbackOutcome,
        of callback: Callback,
        targets: [CallbackRequest.Target],
        sideUpdates: [PropertyUpdate]
    ) {
        switch outcome {
        case .preventUpdate where sideUpdates.isEmpty:
            self = .noUpdate
        case .updates where sideUpdates.isEmpty && callback.wireOutputs.isEmpty:
            self = .noUpdate
        case .preventUpdate:
            self = .body(CallbackResponse(response: [], sideUpdate: sideUpdates).bytes)
        case .updates(let updates):
            let response = updates.resolved(for: callback, targets: targets)
            self = .body(CallbackResponse(response: response, sideUpdate: sideUpdates).bytes)
        }
    }
}

/// Collects what a callback sets by `setProps` until its answer is written.
final class SideUpdates: Sendable {
    private let updates = Mutex<[PropertyUpdate]>([])

    /// What was set, in order.
    var all: [PropertyUpdate] { updates.withLock { $0 } }

    /// Keeps what is set; progress is for background callbacks only.
    func collect(_ event: CallbackContext.Event) {
        guard case .setProps(let new) = event else { return }
        updates.withLock { $0 += new }
    }
}
