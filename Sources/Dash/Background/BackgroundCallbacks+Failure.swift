import DashJSON
import Hummingbird
import Jobs
import Synchronization

extension BackgroundCallbacks {
    /// Gives the end of a job without a result a face: an `onError`, else an error the page shows.
    ///
    /// A job's failure is answered once and kept: `onError` may send a mail, and a page may ask twice.
    ///
    /// - Parameters:
    ///   - job: the job; nil for a start that was refused.
    ///   - context: the start context of the job, where it was kept.
    func failure(
        _ failure: JobFailure,
        of job: JobID?,
        _ call: CallbackCall,
        context: RawJSON?
    ) async throws -> Response {
        if let job, let answer = failures.answer(of: job) { return answer }
        let told = CallbackFailure(
            kind: CallbackFailure.Kind(failure.kind.rawValue),
            code: failure.code,
            message: failure.message,
            trace: failure.trace
        )
        let answer = try await call.recover(from: told, start: context, logger: logger)
        if let job { failures.keep(answer, of: job) }
        return answer
    }
}

/// The answers to jobs that failed, for pages that ask again.
final class FailureAnswers: Sendable {
    private static let capacity = 1000
    private let answers = Mutex<[JobID: Response]>([:])

    /// The answer that was given before, or nil.
    func answer(of job: JobID) -> Response? {
        answers.withLock { $0[job] }
    }

    /// Keeps an answer; when there are too many, another goes, and its `onError` may run once more.
    func keep(_ answer: Response, of job: JobID) {
        answers.withLock { answers in
            if answers.count >= Self.capacity, let other = answers.keys.first { answers[other] = nil }
            answers[job] = answer
        }
    }
}
