import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Synchronization

/// Runs the jobs of a single web server in workers behind RabbitMQ: sends each as a message and listens to what the worker
/// tells on the server's own queue.
final class RPCExecutor: JobExecutor {
    private struct State {
        /// The messages' ids by those of the tasks.
        var sent: [String: JobID] = [:]
        /// Those of tasks that somebody wants ended.
        var cancelled: Set<JobID> = []
    }

    /// Messages beyond wait in the manager.
    let maximumConcurrency = 1000
    private let broker: RabbitBroker
    private let replies: RPCReplies
    private let setup: JobBackendSetup
    private let options: CeleryManager.Options
    /// How long a cancelled job's end is waited for: its worker, its message or the broker may be gone.
    private let patience: Duration
    private let state = Mutex(State())

    init(
        _ broker: RabbitBroker,
        _ setup: JobBackendSetup,
        _ options: CeleryManager.Options,
        patience: Duration? = nil
    ) {
        // The worker kills after the grace, and has to tell of it.
        self.patience = patience ?? setup.pool.cancelGrace + .seconds(10)
        self.broker = broker
        self.setup = setup
        self.options = options
        replies = broker.replies()
    }

    /// When the broker ends, so does all that is listened for.
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
        switch RemoteNews(meta: meta, of: task.name, codec: setup.codec) {
        case .running(let progress)?:
            if !progress.isEmpty { onUpdate(.progress(RawJSON(progress).bytes)) }
            return nil
        case .ended(let end)?: return Self.outcome(of: end)
        case nil: return nil
        }
    }

    private static func outcome(of end: JobEnd) -> WorkerOutcome {
        if case .value(let result) = end.result { return .succeeded(result.bytes) }
        guard let failure = end.failure else { return .cancelled(killed: true) }
        let (code, message) = (failure.code, failure.message)
        return .failed(WorkerFailure(kind: .error, code: code, message: message, trace: failure.trace))
    }

    private func message(_ task: WorkerTask, _ id: JobID) throws -> RawTask {
        if let remote = RemoteTask(payload: task.payload) {
            var message = TaskMessage(task: remote.name, id: id.text, arguments: remote.arguments)
            message.ignoresResult = false
            return message.raw(queue: remote.queue ?? options.remoteQueue)
        }
        let (arguments, extra) = try setup.codec.encode(payload: task.payload, of: task.name)
        let definition = setup.jobs.first { $0.name == task.name }
        var message = TaskMessage(task: definition?.taskName ?? task.name, id: id.text, arguments: arguments)
        message.shadow = definition?.displayName
        message.custom["dash"] = try JSON(parsing: extra.bytes)
        return message.raw(queue: options.queue)
    }

    func cancel(_ taskID: String) {
        let sent = state.withLock { state in
            if let id = state.sent[taskID] { state.cancelled.insert(id) }
            return state.sent[taskID]
        }
        guard let id = sent else { return }
        // A word to all workers; nobody waits for it.
        Task { [broker, replies, patience, logger = setup.logger] in
            do {
                try await broker.revoke([id.text], terminate: true)
            } catch {
                logger.warning("A job could not be stopped.", metadata: ["task": "\(id)", "error": "\(error)"])
            }
            // Nobody tells that nobody will answer.
            try? await Task.sleep(for: patience)
            replies.end(id.text)
        }
    }
}
