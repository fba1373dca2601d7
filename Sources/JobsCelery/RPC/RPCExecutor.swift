import CeleryProtocol
import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// Runs the jobs of a single web server in workers behind RabbitMQ: sends each as a message and receives the worker's
/// updates on the server's own queue.
final class RPCExecutor: JobExecutor {
    private struct State {
        /// Message ids by task id.
        var sent: [String: JobID] = [:]
        /// Message ids of cancelled tasks.
        var cancelled: Set<JobID> = []
    }

    private let broker: any RPCBroker
    private let replies: any RPCReplyQueue
    private let setup: JobBackendSetup
    private let options: CeleryManager.Options
    /// How long to wait for a cancelled job to stop: its worker, its message or the broker may be lost.
    private let patience: Duration
    private let state = Mutex(State())

    init(
        _ broker: any RPCBroker,
        _ setup: JobBackendSetup,
        _ options: CeleryManager.Options,
        patience: Duration? = nil
    ) {
        // The worker kills after the grace period, then reports.
        self.patience = patience ?? setup.pool.cancelGrace + .seconds(10)
        self.broker = broker
        self.setup = setup
        self.options = options
        replies = broker.replyQueue
    }

    /// Further jobs wait in the manager.
    var maximumConcurrency: Int { 1000 }

    /// The pending replies end with the broker.
    func run() async throws { try await broker.run() }

    func execute(_ task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) async -> WorkerOutcome {
        let id = JobID.new
        let results = replies.results(of: id.text)
        state.withLock { $0.sent[task.id] = id }
        defer {
            state.withLock { state in
                state.sent[task.id] = nil
                state.cancelled.remove(id)
            }
        }
        do {
            await replies.ready()
            let request = JobRequest(id: id, name: task.name, payload: task.payload, remote: task.remote)
            var message = try setup.message(for: request, options)
            message.replyTo = replies.queue
            try await broker.publish(message)
        } catch {
            return .failed(WorkerFailure(kind: .startup, code: "broker", message: "\(error)"))
        }
        onUpdate(.started(worker: 0))
        for await reply in results {
            if let outcome = hear(reply.body, task, onUpdate) { return outcome }
        }
        return state.withLock { $0.cancelled.contains(id) } ? .cancelled(killed: true) : .shutDown
    }

    /// Passes on a worker's report.
    ///
    /// - Returns: The outcome; nil while the task runs.
    private func hear(
        _ meta: [UInt8],
        _ task: WorkerTask,
        _ onUpdate: @Sendable (WorkerUpdate) -> Void
    ) -> WorkerOutcome? {
        if let report = DashReport(reading: meta) {
            if let progress = report.progress { onUpdate(.progress(progress)) }
            if let props = report.props { onUpdate(.setProps(props)) }
            return report.outcome
        }
        switch JobRules.RemoteReport(meta: meta, of: task.name, codec: setup.codec) {
        case .running(let progress)?:
            if !progress.isEmpty { onUpdate(.progress(RawJSON(progress).bytes)) }
            return nil
        case .ended(let end)?: return Self.outcome(of: end)
        case .silent?, nil: return nil
        }
    }

    private static func outcome(of end: JobEnd) -> WorkerOutcome {
        if case .value(let result) = end.result { return .succeeded(result.bytes) }
        guard let failure = end.failure else { return .cancelled(killed: true) }
        let (code, message) = (failure.code, failure.message)
        return .failed(WorkerFailure(kind: .error, code: code, message: message, trace: failure.trace))
    }

    func cancel(_ taskID: String) {
        let sent = state.withLock { state in
            if let id = state.sent[taskID] { state.cancelled.insert(id) }
            return state.sent[taskID]
        }
        guard let id = sent else { return }
        Task { [broker, replies, patience, logger = setup.logger] in
            do {
                try await broker.revoke([id.text], terminate: true)
            } catch {
                logger.warning("A job could not be stopped.", metadata: ["task": "\(id)", "error": "\(error)"])
            }
            // Without a worker no reply arrives.
            try? await Task.sleep(for: patience)
            replies.end(id.text)
        }
    }
}

/// A worker's access to Dash jobs without records (`rpc://`): it sends all updates to the queue of the web server that
/// started the job.
struct RPCRecording: JobRecording {
    let broker: any RPCBroker
    let setup: JobBackendSetup

    var settlesDeliveries: Bool { false }

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> RecordFacts? {
        guard let asker = delivery.task.replyTo, !asker.isEmpty else { return nil }
        let task = delivery.task.taskName ?? ""
        let name = setup.jobs.first { $0.taskName == task }?.name ?? task
        var attempt = RecordFacts(waiting: JobRequest(id: id, name: name))
        attempt.job.fence = asker
        return attempt
    }

    func update(_ attempt: RecordFacts, _ changes: ChangeSet) async throws -> JobStanding {
        var report = DashReport(.progress)
        if !changes.progress.isEmpty { report.progress = RawJSON(changes.progress).bytes }
        if !changes.props.isEmpty { report.props = RawJSON(changes.props).bytes }
        try await send(report, of: attempt)
        return .current
    }

    func complete(_ attempt: RecordFacts, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome {
        let (status, value, state): (TaskState, RawJSON, JobState)
        switch outcome {
        case .succeeded(let result):
            (status, value, state) = (.success, setup.value(of: result, attempt.job), .succeeded)
        case .failed(let failure): (status, value, state) = (.failure, RawJSON(TaskException(failure)), .failed)
        case .cancelled:
            (status, value, state) = (.revoked, RawJSON(TaskException.revoked("terminated")), .cancelled)
        case .shutDown: return .again
        }
        try await send(DashReport(status, outcome, value), of: attempt)
        return .finished(state)
    }

    /// Waits for the end of the worker: a cancelled job is terminated through Celery's remote control.
    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws {
        await AsyncLatch<Void>().passed()
    }

    private func send(_ report: DashReport, of attempt: RecordFacts) async throws {
        let meta = report.meta(of: attempt.job.id, now: WallClock.milliseconds())
        try await broker.publishResult(meta, of: attempt.job.id.text, to: attempt.job.fence ?? "")
    }
}

/// The results of plain tasks without a result backend: sent to the caller and not stored.
struct RPCResults: ResultStore {
    let broker: any RPCBroker

    func store(_ metas: [ResultMeta]) async throws {
        for meta in metas {
            guard let asker = meta.replyTo, !asker.isEmpty else { continue }
            try await broker.publishResult(meta.jsonBytes(), of: meta.taskID, to: asker)
        }
    }

    func read(_ ids: [String]) async throws -> [ResultMeta?] { ids.map { _ in nil } }
}

/// A worker's report on a Dash job without a result backend: Celery's result with an additional member `dash` for the
/// web server.
private struct DashReport {
    var status: TaskState
    /// The outcome of the run.
    var outcome: WorkerOutcome?
    /// The result for other programs.
    var value = RawJSON.null
    /// Changes of a running job, as JSON.
    var progress, props: [UInt8]?

    init(_ status: TaskState, _ outcome: WorkerOutcome? = nil, _ value: RawJSON = .null) {
        (self.status, self.outcome, self.value) = (status, outcome, value)
    }

    /// The JSON text.
    ///
    /// - Parameter now: Milliseconds since 1970.
    func meta(of id: JobID, now: Int64) -> [UInt8] {
        let trace: String? = if case .failed(let failure)? = outcome { failure.trace } else { nil }
        var writer = JSONWriter(capacity: value.bytes.count * 2 + 512)
        writer.object { meta in
            meta.member("status", status.rawValue)
            meta.member("result", value)
            meta.member("traceback", JSON.string(orNull: trace))
            meta.member("children", [JSON]())
            meta.member("date_done", status.isReady ? JSON.string(ISO8601.text(now)) : .null)
            meta.member("dash", RawJSON(unchecked: details))
            meta.member("task_id", id.text)
        }
        return writer.bytes
    }

    private var details: [UInt8] {
        var writer = JSONWriter()
        writer.object { details in
            if let progress { details.member("progress", RawJSON(unchecked: progress)) }
            if let props { details.member("props", RawJSON(unchecked: props)) }
            if case .succeeded(let result)? = outcome { details.member("result", RawJSON(unchecked: result)) }
            guard case .failed(let failure)? = outcome else { return }
            details.member("kind", failure.kind.rawValue)
            details.member("code", failure.code)
            details.member("message", failure.message)
        }
        return writer.bytes
    }

    /// Reads a report; nil for that of another task.
    init?(reading text: [UInt8]) {
        guard let members = try? JSONScanner.membersByName(of: text[...]), let own = members["dash"],
            let details = try? JSONScanner.membersByName(of: own), let status = members["status"]
        else { return nil }
        func string(_ value: ArraySlice<UInt8>?) -> String? {
            value.flatMap { try? JSON(parsing: Array($0)) }?.stringValue
        }
        self.init(TaskState(rawValue: string(status) ?? ""))
        (progress, props) = (details["progress"].map { Array($0) }, details["props"].map { Array($0) })
        switch self.status {
        case .success: outcome = .succeeded(details["result"].map { Array($0) } ?? [])
        case .failure:
            let kind = string(details["kind"]).flatMap(WorkerFailure.Kind.init(rawValue:)) ?? .error
            let (code, message) = (string(details["code"]) ?? "", string(details["message"]) ?? "")
            let trace = string(members["traceback"])
            outcome = .failed(WorkerFailure(kind: kind, code: code, message: message, trace: trace))
        case .revoked: outcome = .cancelled(killed: true)
        default: break
        }
    }
}
