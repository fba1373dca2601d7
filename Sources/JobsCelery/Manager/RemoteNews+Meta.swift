import DashJSON
import Jobs

extension RemoteNews {
    /// Reads Celery's result of a task; nil for one that tells nothing new, or is none.
    init?(meta: [UInt8], of job: String, codec: any JobCodec) {
        guard let meta = try? ResultMeta(reading: meta, taskID: "") else { return nil }
        switch meta.status {
        case .pending, .received, .retry: return nil
        case .started: self = .running([])
        case .success: self = .ended(Self.success(TypedJSON.plain(meta.result), of: job, codec))
        case .failure: self = .ended(JobEnd(.failed, failure: JobFailure(meta)))
        case .revoked: self = .ended(JobEnd(.cancelled, reason: meta.exception?.message ?? "revoked"))
        default: self = .running(codec.progress(ofMeta: TypedJSON.plain(meta.result), of: job))
        }
    }

    private static func success(_ value: RawJSON, of job: String, _ codec: any JobCodec) -> JobEnd {
        do {
            return JobEnd(.succeeded, result: .value(RawJSON(unchecked: try codec.result(ofValue: value, of: job))))
        } catch {
            return JobEnd(.failed, failure: JobFailure(kind: .error, code: "result", message: "\(error)"))
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
