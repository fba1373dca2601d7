import DashJSON
import Hummingbird
import Logging

extension CallbackCall {
    /// Whether the callback or its app has an `onError`.
    var handlesErrors: Bool { callback.onError != nil || appOnError != nil }

    /// Answers a callback that ended without a result: what its `onError` says, else what its app's does, else an error.
    ///
    /// - Parameter start: the context the callback ran in; nil for that of this request.
    /// - Throws: what `onError` throws.
    func recover(from failure: CallbackFailure, start: RawJSON? = nil, logger: Logger) async throws -> Response {
        guard handlesErrors else {
            return FailureAnswer(failure, of: callback).respond(tools.errors, logger: logger, callback: jobName)
        }
        let sent = SentProperties()
        let context =
            try start.map { try CallbackContext(decoding: $0.bytes, emit: sent.add) } ?? context(emit: sent.add)
        var answer = CallbackResponse(response: [])
        let outcome = try await withTaskExecutorPreference(executor) { try await handle(failure, in: context) }
        if case .updates(let updates) = outcome {
            answer.response = try updates.resolved(for: callback, targets: request.targets)
        }
        answer.sideUpdate = sent.properties
        return Answers.json(answer.bytes)
    }

    private func handle(_ failure: CallbackFailure, in context: CallbackContext) async throws -> CallbackOutcome? {
        if callback.onError != nil { return try await callback.recover(from: failure, in: context) }
        try await CallbackContext.$current.withValue(context) { try await appOnError?(failure) }
        return nil
    }
}
