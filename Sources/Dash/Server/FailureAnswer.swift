import HTTPTypes
import Hummingbird
import Logging

/// The answer for a callback that ended without a result and without an `onError`: status 500, or 503 when the queue
/// is full; the whole story in debug, else a number that leads to it in the log.
struct FailureAnswer: Sendable {
    private let failure: CallbackFailure

    init(_ failure: CallbackFailure) {
        self.failure = failure
    }

    /// Logs the failure and answers.
    ///
    /// - Parameter callback: the name of the callback, for the log.
    func respond(debug: Bool, logger: Logger, callback: String) -> Response {
        let number = Base64URL.random(byteCount: 6)
        logger.error(
            "A callback failed: \(failure.message)",
            metadata: [
                "callback": "\(callback)", "error": "\(number)", "kind": "\(failure.kind)", "code": "\(failure.code)",
                "trace": "\(failure.trace ?? "")",
            ]
        )
        let sentence = "\(publicSentence) Error \(number)."
        // A word first: the renderer takes a body that begins with a tag for a page to show.
        let story = ["\(failure.kind): \(failure.message)", failure.trace].compactMap(\.self).joined(separator: "\n\n")
        var response = Answers.text(status, debug ? story : sentence)
        response.headers[.dashNotice] = sentence
        return response
    }

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
