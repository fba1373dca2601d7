import DashJSON
import HTTPTypes
import Hummingbird
import Logging
import Support

/// The response for a callback that failed and has no `onError`: status 500, or 503 if the queue is full. The body has
/// all details in debug mode, otherwise a number that identifies the log line.
struct FailureAnswer: Sendable {
    private let failure: CallbackFailure
    /// The callback and its source location; nil if no callback failed.
    private let place: String?

    init(_ failure: CallbackFailure, of callback: Callback? = nil) {
        self.failure = failure
        place = callback.map { callback in
            let kind = callback.kind == .background ? "background callback" : "callback"
            return "In the \(kind) \(callback.name), registered at \(callback.location)."
        }
    }

    /// Logs the failure and returns the response.
    ///
    /// - Parameters:
    ///   - detail: The details the page may show.
    ///   - callback: The callback's name, for the log.
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
        // In debug mode the renderer's own card shows the error.
        switch detail {
        case .number: return Answers.notice(status, sentence)
        case .pruned, .whole: return card(story(detail))
        case .text:
            var response = Answers.text(status, story(detail))
            response.headers[.dashNotice] = sentence
            return response
        }
    }

    /// HTML, since the renderer's card drops line breaks of plain text.
    private func card(_ story: String) -> Response {
        let html = "<pre style=\"white-space: pre-wrap; margin: 0\">\(IndexPage.escape(story))</pre>"
        return Answers.bytesAnswer(Array(html.utf8), type: Answers.htmlType, status: status)
    }

    private func story(_ detail: ErrorDetail) -> String {
        let trace = failure.trace.map { detail == .pruned ? PrunedTrace.text(of: $0) : $0 }
        return ["\(headline): \(failure.message)", place, trace].compactMap(\.self).joined(separator: "\n\n")
    }

    /// The type of a thrown error, otherwise the kind of failure.
    private var headline: String { failure.kind == .error ? failure.code : "\(failure.kind)" }

    private var status: HTTPResponse.Status { failure.kind == .busy ? .serviceUnavailable : .internalServerError }

    private var publicSentence: String {
        switch failure.kind {
        case .busy: "The server is busy. Try again in a moment."
        case .crash: "The process that ran this job crashed."
        case .lost: "The server stopped before this job completed. Start it again."
        case .timedOut: "This job exceeded its time limit."
        case .incompatible: "The app was updated after this job was started. Start it again."
        case .storage: "The server could not store this job."
        case .tooLarge: "This job's data is larger than the server accepts."
        default: "The server could not complete this request."
        }
    }
}

extension CallbackCall {
    /// Whether the callback or its app has an `onError`.
    var handlesErrors: Bool { callback.onError != nil || appOnError != nil }

    /// Responds to a failed callback: calls its `onError`, or the app's, otherwise responds with an error.
    ///
    /// - Parameter start: The context the callback ran in; nil for the context of this request.
    /// - Throws: What `onError` throws.
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
