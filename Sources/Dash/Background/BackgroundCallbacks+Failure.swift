import DashJSON
import Hummingbird
import Jobs

extension BackgroundCallbacks {
    /// Gives the end of a job without a result a face: an `onError`, else an error the page shows.
    ///
    /// - Parameter context: the start context of the job; nil for a start that was refused.
    func failure(_ failure: JobFailure, _ call: CallbackCall, context: RawJSON?) async throws -> Response {
        let told = CallbackFailure(
            kind: CallbackFailure.Kind(failure.kind.rawValue),
            code: failure.code,
            message: failure.message,
            trace: failure.trace
        )
        return try await call.recover(from: told, start: context, logger: logger)
    }
}
