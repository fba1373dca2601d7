import DashJSON
import Jobs
import Logging
import Support
import Synchronization

extension CeleryWorker {
    /// Takes messages until the consumer has ended.
    func fetch() async {
        await parts.greeted?.passed()
        while true {
            while !wantsMessages() { await hunger.wait() }
            let deliveries = await consumer.fetch(upTo: Self.mostAtOnce)
            machine.withLock { $0.isFetching = false }
            guard !deliveries.isEmpty else { return }
            for delivery in deliveries { receive(delivery) }
        }
    }

    /// Whether to fetch; if not, `hunger` tells when.
    private func wantsMessages() -> Bool {
        machine.withLock { machine in
            machine.isFetching = machine.wantsMessages
            machine.isFetcherWaiting = !machine.isFetching
            return machine.isFetching
        }
    }

    private static let mostAtOnce = 100

    private func receive(_ delivery: Delivery) {
        let message: TaskMessage
        do {
            message = try TaskMessage(delivery.task)
        } catch {
            return add(.refuse(RefusedTask(unreadable: delivery, because: error)))
        }
        let record = parts.recording == nil || message.custom["dash"] == nil ? nil : JobID(message.id)
        guard let job = tasks[task: message.task] ?? record.map({ _ in .unknown(message.task) }) else {
            return add(.refuse(RefusedTask(unknown: message, delivery)))
        }
        parts.events.tell(.received(ReceivedTask(message)))
        handle { machine, time in
            let number = machine.nextNumber()
            let task = HeldTask(number: number, delivery: delivery, message: message, job: job, record: record)
            return machine.received(task, at: time)
        }
    }

    /// Tells that a task is not run.
    func drop(_ task: HeldTask, _ reason: DropReason) async {
        if let id = task.record, let recording = parts.recording { return await runJob(task, id, recording) }
        let isExpired = reason == .expired
        let exception = TaskException.revoked(isExpired ? "expired" : "revoked")
        let conclusion = conclusion(of: task, .revoked(exception), .revoked, RawJSON(exception)) {
            .revoked(id: task.id, terminated: false, signal: nil, expired: isExpired)
        }
        await conclude(task, conclusion)
    }

    /// Refuses a message for good, with a reason for whoever sent it.
    func refuse(_ refused: RefusedTask) async {
        let delivery = refused.delivery
        parts.logger.warning(
            "A message was refused: \(refused.exception.repr)",
            metadata: ["task-id": "\(refused.id ?? "unknown")", "queue": "\(delivery.queue)"]
        )
        var meta: ResultMeta?
        if let id = refused.id, refused.message?.ignoresResult != true {
            meta = ResultMeta(taskID: id, .failure, exception: refused.exception, now: WorkerTime.now.wall)
            meta?.replyTo = delivery.task.replyTo
            meta?.groupID = refused.message?.group
            meta?.parentID = refused.message?.parentID
        }
        var event: (@Sendable () -> TaskEvent)?
        if let id = refused.id {
            event = { .failed(id: id, exception: refused.exception.repr, traceback: nil) }
        }
        let end = TaskEnd(delivery, .rejected, meta: meta, event: event)
        guard let message = refused.message else { return finisher.add(end) }
        await conclude(message, .failure(refused.exception, traceback: nil), end)
    }
}

/// A message that cannot be run here.
struct RefusedTask: Sendable {
    var delivery: Delivery
    /// As far as it is known.
    var id: String?
    var message: TaskMessage?
    var exception: TaskException

    /// Its task is not known here.
    init(unknown message: TaskMessage, _ delivery: Delivery) {
        self.delivery = delivery
        self.message = message
        id = message.id
        exception = .notRegistered(message.task)
    }

    /// It cannot be read.
    init(unreadable delivery: Delivery, because error: CeleryError) {
        self.delivery = delivery
        id = error.taskID
        exception = TaskException(error)
    }
}

extension JobDefinition {
    /// A Dash job whose task is not known here, which its record may know better.
    fileprivate static func unknown(_ task: String) -> JobDefinition {
        JobDefinition(name: "", taskName: task, version: "")
    }
}

extension ReceivedTask {
    init(_ message: TaskMessage) {
        self.init(
            id: message.id,
            name: message.task,
            arguments: message.argumentsRepr ?? PythonRepr.ofArguments(message.arguments),
            keywords: message.keywordsRepr ?? PythonRepr.of(message.keywords),
            rootID: message.rootID,
            parentID: message.parentID,
            retries: message.retries,
            eta: message.eta.map { ISO8601.text($0) },
            expires: message.expires.map { ISO8601.text($0) }
        )
    }
}
