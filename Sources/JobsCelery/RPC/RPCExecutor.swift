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
            var message = try message(task, id)
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

    private func hear(
        _ meta: [UInt8],
        _ task: WorkerTask,
        _ onUpdate: @Sendable (WorkerUpdate) -> Void
    ) -> WorkerOutcome? {
        if let news = RPCMeta.News(reading: meta) {
            switch news {
            case .started: return nil
            case .update(let progress, let props):
                if !progress.isEmpty { onUpdate(.progress(RawJSON(progress).bytes)) }
                if !props.isEmpty { onUpdate(.setProps(RawJSON(props).bytes)) }
                return nil
            case .succeeded(let result): return .succeeded(result)
            case .failed(let failure): return .failed(failure)
            case .cancelled: return .cancelled(killed: true)
            }
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

    private func message(_ task: WorkerTask, _ id: JobID) throws -> BrokerMessage {
        if let remote = RemoteTask(payload: task.payload) {
            var message = TaskMessage(task: remote.name, id: id.text, arguments: remote.arguments)
            message.ignoresResult = false
            return message.raw(queue: remote.queue ?? options.remoteQueue)
        }
        let (arguments, extra) = try setup.codec.encode(payload: task.payload, of: task.name)
        let definition = setup.jobs.first { $0.name == task.name }
        var message = TaskMessage(task: definition?.taskName ?? task.name, id: id.text, arguments: arguments)
        message.custom["dash"] = try JSON(parsing: extra.bytes)
        return message.raw(queue: options.queue)
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
    let codec: any JobCodec
    let jobs: [JobDefinition]
    let logger: Logger

    var settlesDeliveries: Bool { false }

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> RecordFacts? {
        guard let asker = delivery.task.replyTo, !asker.isEmpty else { return nil }
        let task = delivery.task.taskName ?? ""
        var attempt = RecordFacts(waiting: JobRequest(id: id, name: jobs.first { $0.taskName == task }?.name ?? task))
        attempt.job.fence = asker
        try await send(.started, of: attempt)
        return attempt
    }

    func update(_ attempt: RecordFacts, _ changes: ChangeFeed.Batch) async throws -> JobStanding {
        try await send(.update(progress: changes.progress, props: changes.props), of: attempt)
        return .current
    }

    func complete(_ attempt: RecordFacts, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome {
        switch outcome {
        case .succeeded(let result):
            try await send(.succeeded(result), of: attempt, value: value(of: result, attempt))
            return .finished(.succeeded)
        case .failed(let failure):
            try await send(.failed(failure), of: attempt)
            return .finished(.failed)
        case .cancelled:
            try await send(.cancelled, of: attempt)
            return .finished(.cancelled)
        case .shutDown: return .again
        }
    }

    /// A cancelled job is terminated through Celery's remote control.
    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws {}

    private func value(of result: [UInt8], _ attempt: RecordFacts) -> RawJSON {
        do {
            return try codec.value(ofResult: result, of: attempt.job.name)
        } catch {
            let metadata: Logger.Metadata = ["job": "\(attempt.job.id)", "error": "\(error)"]
            logger.warning("A result could not be encoded for other programs.", metadata: metadata)
            return .null
        }
    }

    private func send(_ news: RPCMeta.News, of attempt: RecordFacts, value: RawJSON = .null) async throws {
        let (id, asker) = (attempt.job.id, attempt.job.fence ?? "")
        let meta = RPCMeta(id: id, news: news).text(value: value, now: WallClock.milliseconds())
        try await broker.publishResult(meta, of: id.text, to: asker)
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

/// A worker's update of a Dash job without a result backend: Celery's result with an additional member `dash` for the
/// web server.
struct RPCMeta: Sendable {
    enum News: Sendable {
        case started
        case update(progress: [PropertyValue], props: [PropertyValue])
        case succeeded([UInt8])
        case failed(WorkerFailure)
        case cancelled
    }

    var id: JobID
    var news: News

    /// The JSON text.
    ///
    /// - Parameters:
    ///   - value: The result for other programs.
    ///   - now: Milliseconds since 1970.
    func text(value: RawJSON = .null, now: Int64) -> [UInt8] {
        var writer = JSONWriter(capacity: value.bytes.count * 2 + 512)
        writer.object { meta in
            meta.member("status", status.rawValue)
            meta.member("result", result(value))
            meta.member("traceback", JSON.string(orNull: trace))
            meta.member("children", [JSON]())
            meta.member("date_done", status.isReady ? JSON.string(ISO8601.text(now)) : .null)
            meta.member("dash", RawJSON(unchecked: details))
            meta.member("task_id", id.text)
        }
        return writer.bytes
    }

    private var status: TaskState {
        switch news {
        case .started: .started
        case .update: .progress
        case .succeeded: .success
        case .failed: .failure
        case .cancelled: .revoked
        }
    }

    private func result(_ value: RawJSON) -> RawJSON {
        switch news {
        case .started, .update, .succeeded: value
        case .failed(let failure): RawJSON(TaskException(failure))
        case .cancelled: RawJSON(TaskException.revoked("terminated"))
        }
    }

    private var trace: String? {
        if case .failed(let failure) = news { failure.trace } else { nil }
    }

    private var details: [UInt8] {
        var writer = JSONWriter()
        writer.object { details in
            switch news {
            case .started, .cancelled: break
            case .update(let progress, let props):
                details.member("progress", progress)
                details.member("props", props)
            case .succeeded(let result): details.member("result", RawJSON(unchecked: result))
            case .failed(let failure):
                details.member("kind", failure.kind.rawValue)
                details.member("code", failure.code)
                details.member("message", failure.message)
            }
        }
        return writer.bytes
    }
}

extension RPCMeta.News {
    /// Reads the update of a Dash job; nil for that of another task.
    init?(reading text: [UInt8]) {
        guard let members = try? JSONScanner.membersByName(of: text[...]), let own = members["dash"],
            let details = try? JSONScanner.membersByName(of: own), let status = members["status"]
        else { return nil }
        func string(_ name: String) -> String? {
            details[name].flatMap { try? JSON(parsing: Array($0)) }?.stringValue
        }
        switch String(decoding: status.filter { $0 != UInt8(ascii: "\"") }, as: UTF8.self) {
        case TaskState.started.rawValue: self = .started
        case TaskState.progress.rawValue:
            self = .update(
                progress: details["progress"].flatMap { PropertyValue.list(from: Array($0)) } ?? [],
                props: details["props"].flatMap { PropertyValue.list(from: Array($0)) } ?? []
            )
        case TaskState.success.rawValue: self = .succeeded(details["result"].map { Array($0) } ?? [])
        case TaskState.failure.rawValue:
            self = .failed(
                WorkerFailure(
                    kind: string("kind").flatMap(WorkerFailure.Kind.init(rawValue:)) ?? .error,
                    code: string("code") ?? "",
                    message: string("message") ?? "",
                    trace: members["traceback"].flatMap { try? JSON(parsing: Array($0)) }?.stringValue
                )
            )
        case TaskState.revoked.rawValue: self = .cancelled
        default: return nil
        }
    }
}

// Another program's task, stored in place of a job's payload.
extension RemoteTask {
    private static let start = Array(#"{"celery-task":"#.utf8)
    private static let end = Array("}".utf8)

    /// The task as a payload.
    var payload: [UInt8] {
        let fields = [RawJSON(json: .string(name)), RawJSON(json: .string(orNull: queue)), arguments]
        var writer = JSONWriter(capacity: arguments.bytes.count + 128)
        writer.array(of: fields)
        return Self.start + writer.bytes + Self.end
    }

    /// Reads a task from a payload; nil for the payload of a job of this program.
    init?(payload: [UInt8]) {
        guard payload.starts(with: Self.start),
            let fields = try? JSONScanner.elements(of: payload[Self.start.count...].dropLast()),
            fields.count == 3, let name = try? JSON(parsing: Array(fields[0])).stringValue
        else { return nil }
        let queue = try? JSON(parsing: Array(fields[1])).stringValue
        self.init(name: name, queue: queue, arguments: RawJSON(unchecked: Array(fields[2])))
    }
}
