import DashJSON
import HTTPTypes
import Hummingbird
import Logging
import Support

/// The answer for a callback that ended without a result and without an `onError`: status 500, or 503 when the queue
/// is full; the whole story in debug, else a number that leads to it in the log.
struct FailureAnswer: Sendable {
    private let failure: CallbackFailure
    /// What failed, and where it is in the program; nil for what is no callback.
    private let place: String?

    init(_ failure: CallbackFailure, of callback: Callback? = nil) {
        self.failure = failure
        place = callback.map { callback in
            let kind = callback.kind == .background ? "background callback" : "callback"
            return "In the \(kind) \(callback.name), registered at \(callback.location)."
        }
    }

    /// Logs the failure and answers.
    ///
    /// - Parameters:
    ///   - detail: What of it the page may see.
    ///   - callback: The name of the callback, for the log.
    func respond(_ detail: ErrorDetail, logger: Logger, callback: String) -> Response {
        let number = Base64.random(byteCount: 6)
        logger.error(
            "A callback failed: \(failure.message)",
            metadata: [
                "callback": "\(callback)", "error": "\(number)", "kind": "\(failure.kind)", "code": "\(failure.code)",
                "trace": "\(failure.trace ?? "")",
            ]
        )
        let sentence = "\(publicSentence) Error \(number)."
        // In debug the renderer's own card shows the error.
        switch detail {
        case .number: return Answers.notice(status, sentence)
        case .pruned, .whole: return card(story(detail))
        case .text:
            var response = Answers.text(status, story(detail))
            response.headers[.dashNotice] = sentence
            return response
        }
    }

    /// As a piece of HTML, for in the renderer's card plain text has no line breaks but its own.
    private func card(_ story: String) -> Response {
        let html = "<pre style=\"white-space: pre-wrap; margin: 0\">\(IndexPage.escape(story))</pre>"
        return Answers.bytesAnswer(Array(html.utf8), type: Answers.htmlType, status: status)
    }

    /// What a developer wants to know.
    private func story(_ detail: ErrorDetail) -> String {
        let trace = failure.trace.map { detail == .pruned ? PrunedTrace.text(of: $0) : $0 }
        return ["\(headline): \(failure.message)", place, trace].compactMap(\.self).joined(separator: "\n\n")
    }

    /// The type of an error that was thrown, else how the callback ended.
    private var headline: String { failure.kind == .error ? failure.code : "\(failure.kind)" }

    private var status: HTTPResponse.Status { failure.kind == .busy ? .serviceUnavailable : .internalServerError }

    /// What visitors may know.
    private var publicSentence: String {
        switch failure.kind {
        case .busy: "The server has too much to do just now. Try again in a moment."
        case .crash: "The process that did this work crashed."
        case .lost: "The server stopped while this job was running, so it was not finished. Start it again."
        case .timedOut: "This job took longer than it may."
        case .incompatible: "The app was updated after this job was started. Start it again."
        case .storage: "The server could not store this job."
        case .tooLarge: "This job's data is larger than the server takes."
        default: "This did not work."
        }
    }
}

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
