import DashJSON
import Jobs
import Logging
import Support

/// A worker's view of Dash jobs without records (`rpc://`): all is told to the web server that asked, on its own queue.
struct RPCRecording: JobRecording {
    let broker: RabbitBroker
    let codec: any JobCodec
    let jobs: [JobDefinition]
    let logger: Logger

    var settlesDeliveries: Bool { false }

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> JobBeginning {
        guard let asker = delivery.task.replyTo, !asker.isEmpty else { return .over }
        let task = delivery.task.taskName ?? ""
        let name = jobs.first { $0.taskName == task }?.name ?? task
        let attempt = JobAttempt(id: id, name: name, number: 1, fence: asker)
        try await tell(.started(process: 0), of: attempt)
        return .run(attempt)
    }

    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        try await tell(.update(progress: progress, props: props), of: attempt)
        return .current
    }

    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> JobEnding {
        switch outcome {
        case .succeeded(let result):
            try await tell(.succeeded(result), of: attempt, value: value(of: result, attempt))
            return .finished(.succeeded)
        case .failed(let failure):
            try await tell(.failed(failure), of: attempt)
            return .finished(.failed)
        case .cancelled:
            try await tell(.cancelled, of: attempt)
            return .finished(.cancelled)
        case .shutDown: return .again
        }
    }

    /// A cancelled job is terminated through Celery's remote control.
    func cancellations() async throws -> AsyncStream<JobID> { AsyncStream { $0.finish() } }

    private func value(of result: [UInt8], _ attempt: JobAttempt) -> RawJSON {
        do {
            return try codec.value(ofResult: result, of: attempt.name)
        } catch {
            let metadata: Logger.Metadata = ["job": "\(attempt.id)", "error": "\(error)"]
            logger.warning("A result has no value for other programs.", metadata: metadata)
            return .null
        }
    }

    private func tell(_ news: RPCMeta.News, of attempt: JobAttempt, value: RawJSON = .null) async throws {
        let meta = RPCMeta(id: attempt.id, news: news).text(value: value, now: WallClock.milliseconds())
        try await broker.publishResult(meta, of: attempt.id.text, to: attempt.fence)
    }
}

/// The results of plain tasks without a result backend: told to who asked, kept nowhere.
struct RPCResults: ResultStore {
    let broker: RabbitBroker

    func store(_ meta: ResultMeta) async throws -> Bool {
        guard let asker = meta.replyTo, !asker.isEmpty else { return true }
        try await broker.publishResult(meta.jsonBytes(), of: meta.taskID, to: asker)
        return true
    }

    func read(_ ids: [String]) async throws -> [ResultMeta?] { ids.map { _ in nil } }
    func watch(_ id: String) async throws -> AsyncStream<ResultMeta> { AsyncStream { $0.finish() } }
    func forget(_ id: String) async throws {}
}
