import DashJSON
import Jobs

extension RemoteNews {
    /// Reads Celery's result of a task; nil for one that tells nothing new, or is none.
    ///
    /// - Parameter limit: The largest result of a job, in bytes.
    init?(meta: [UInt8], of job: String, codec: any JobCodec, limit: Int) {
        guard let meta = try? ResultMeta(reading: meta, taskID: "") else { return nil }
        switch meta.status {
        case .pending, .received, .retry: return nil
        case .started: self = .running([])
        case .success: self = Self.success(TypedJSON.plain(meta.result), of: job, codec, limit)
        case .failure: self = .failed(JobFailure(meta))
        case .revoked: self = .cancelled(reason: meta.exception?.message ?? "revoked")
        default: self = .running(codec.progress(ofMeta: TypedJSON.plain(meta.result), of: job))
        }
    }

    private static func success(_ value: RawJSON, of job: String, _ codec: any JobCodec, _ limit: Int) -> RemoteNews {
        do {
            let result = try codec.result(ofValue: value, of: job)
            if result.count <= limit { return .succeeded(result) }
            let message = "The job's result has \(result.count) bytes, more than the \(limit) allowed."
            return .failed(JobFailure(kind: .tooLarge, code: "result", message: message))
        } catch {
            return .failed(JobFailure(kind: .error, code: "result", message: "\(error)"))
        }
    }
}

extension JobFailure {
    /// What a failed task of Celery stored.
    init(_ meta: ResultMeta) {
        let exception = meta.exception ?? TaskException(type: "Exception", arguments: [], module: nil)
        let code = exception.type.split(separator: ".").last.map(String.init) ?? exception.type
        self.init(
            kind: code == "WorkerLostError" ? .crash : .error,
            code: code,
            message: exception.arguments.isEmpty ? code : exception.message,
            trace: meta.traceback
        )
    }
}
