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
        let told = CallbackFailure(
            kind: CallbackFailure.Kind(failure.kind.rawValue),
            code: failure.code,
            message: failure.message,
            trace: failure.trace
        )
        guard let job else { return try await call.recover(from: told, start: context, logger: logger) }
        return try await failures.answer(to: job) { [logger] in
            try await call.recover(from: told, start: context, logger: logger)
        }
    }
}
