import CeleryProtocol
import DashJSON
import Logging
import NIOCore
import Support
import Synchronization

/// Reports how tasks ended: stores results, then settles messages, then sends events. Completions that are added during
/// a request, or that ``CompletionBatch`` delays, are reported together.
final class CompletionReporter: Sendable {
    private struct State {
        var completions = CompletionBatch()
        var isFinished = false
        /// What could not be stored by then is given up.
        var deadline: ContinuousClock.Instant?
    }

    private let results: any ResultStore
    private let consumer: any CeleryConsumer
    private let events: any WorkerEvents
    private let logger: Logger
    /// Schedules delayed completions.
    private let loop: any EventLoop
    private let state = Mutex(State())
    private let added = AsyncSignal()

    init(_ parts: CeleryWorkerParts, _ consumer: any CeleryConsumer, _ loop: any EventLoop) {
        results = parts.results
        self.consumer = consumer
        events = parts.events
        logger = parts.logger
        self.loop = loop
    }

    /// Reports a completion later. Those of one task keep their order.
    func add(_ completion: TaskCompletion) {
        switch state.withLock({ $0.completions.add(completion) }) {
        case .nothing: break
        case .report: added.signal()
        case .reportLater:
            loop.scheduleTask(in: .milliseconds(CompletionBatch.maximumDelay)) { [self] in
                if state.withLock({ $0.completions.timePassed() }) { added.signal() }
            }
        }
    }

    /// Stores the meta of a completion, after what was added before, and returns when that is done.
    func store(_ completion: TaskCompletion) async {
        guard let meta = completion.meta else { return }
        await withCheckedContinuation { continuation in
            var storing = TaskCompletion(completion.delivery, nil, meta: meta)
            storing.stored = continuation
            add(storing)
        }
    }

    /// Nothing more is added: ``run(onCompletion:)`` returns when all is reported.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.completions.hurry()
        }
        added.signal()
    }

    /// Limits the time for retries from now on.
    func hurry(patience: Duration) {
        state.withLock { $0.deadline = $0.deadline ?? .now + patience }
    }

    private var isPastDeadline: Bool { state.withLock { $0.deadline.map { $0 < .now } ?? false } }

    /// Reports completions until ``finish()``.
    ///
    /// - Parameter onCompletion: Called with the number of each held task that is done.
    func run(onCompletion: @Sendable (Int) -> Void) async {
        // A cancellation must not leave anything unreported: `finish` ends this.
        while await added.wait() {
            while case let completions = state.withLock({ $0.completions.take() }), !completions.isEmpty {
                await report(completions, onCompletion)
            }
            if state.withLock({ $0.isFinished && $0.completions.isEmpty }) { return }
        }
    }

    private func report(_ completions: [TaskCompletion], _ onCompletion: @Sendable (Int) -> Void) async {
        if let rest = await store(completions) { await settle(rest) }
        for completion in completions {
            completion.stored?.resume()
            if let event = completion.event { events.send(event()) }
            if let number = completion.number { onCompletion(number) }
        }
    }

    private func settle(_ completions: [TaskCompletion]) async {
        for completion in completions where completion.vault == nil || !completion.isInVault {
            if let settlement = completion.settlement { await consumer.settle(completion.delivery, as: settlement) }
        }
        for completion in completions where completion.vault != nil { await release(completion) }
    }

    /// Stores results, with retries.
    ///
    /// - Returns: the completions whose messages are still to be settled; nil after the deadline: then the messages
    ///   stay unsettled, so that the tasks run again.
    private func store(_ completions: [TaskCompletion]) async -> [TaskCompletion]? {
        await retrying(first: .milliseconds(50), until: { isPastDeadline }) {
            try await consumer.report(completions, to: results)
        } onError: { error in
            let facts: Logger.Metadata = ["count": "\(completions.count)", "error": "\(error)"]
            logger.error("Results could not be stored.", metadata: facts)
        }
    }

    /// Settles a message in the vault, with retries: what stays there after this worker's end is requeued by others,
    /// and its task runs again.
    private func release(_ completion: TaskCompletion) async {
        guard let vault = completion.vault, let settlement = completion.settlement else { return }
        await retrying(first: .milliseconds(50), until: { isPastDeadline }) {
            try await vault.release(completion.delivery, as: completion.isInVault ? settlement : .acknowledged)
        } onError: { error in
            logger.error("The message of a long task could not be settled yet.", metadata: ["error": "\(error)"])
        }
    }
}

/// Repeats a body with a backoff until it succeeds.
///
/// - Returns: nil if `isOver` after a failure.
@discardableResult
func retrying<Value>(
    first: Duration,
    until isOver: () -> Bool,
    _ body: () async throws -> Value,
    onError: (any Error) -> Void = { _ in }
) async -> Value? {
    var backoff = Backoff(first: first, longest: .seconds(2))
    while true {
        do { return try await body() } catch { onError(error) }
        if isOver() { return nil }
        await backoff.pause()
    }
}

/// A backoff that a cancellation does not shorten: a cancelled task would retry without pauses.
func pause(_ wait: Duration) async {
    await Task { try? await Task.sleep(for: wait) }.value
}

/// What is reported of a completed or running task.
package struct TaskCompletion: Sendable {
    /// The number of the held task if it is done.
    var number: Int?
    /// What is stored, if anything.
    var meta: ResultMeta?
    var delivery: Delivery
    /// How the message is settled; nil leaves it: the task runs on, or a script settled it.
    var settlement: Settlement?
    /// Where a copy of the message is, or may be.
    var vault: (any DeliveryVault)?
    /// Whether the vault is known to have the message. If not, the broker settles it, and the vault drops its copy.
    var isInVault = true
    /// Resumed when the meta is stored.
    var stored: CheckedContinuation<Void, Never>?
    /// Whether it may wait a moment for others, as the worker is busy.
    var mayWait = false
    /// Sent when the rest is done.
    var event: (@Sendable () -> TaskEvent)?

    init(
        _ delivery: Delivery,
        _ settlement: Settlement?,
        number: Int? = nil,
        meta: ResultMeta? = nil,
        vault: (any DeliveryVault)? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) {
        self.number = number
        self.meta = meta
        self.delivery = delivery
        self.settlement = settlement
        self.event = event
        self.vault = vault
    }

    /// Whether the message is only removed, at the broker.
    var isRemoval: Bool { vault == nil && settlement?.isRemoval == true }

    /// Turns it into a failure, which is stored unless the message asks for no result.
    mutating func fail(_ id: String, _ message: TaskMessage?, _ exception: TaskException) {
        let now = WorkerTime.now.wall
        if message?.ignoresResult != true {
            meta =
                message.map { ResultMeta($0, .failure, result: RawJSON(exception), now: now) }
                ?? ResultMeta(taskID: id, .failure, exception: exception, now: now)
        }
        event = { .failed(id: id, exception: exception.repr, traceback: nil) }
    }
}

/// The completions to report, without I/O. In a busy worker a completion waits a moment for others, as few large
/// requests cost less than many small ones. Any other is reported at once, together with those that wait.
struct CompletionBatch {
    /// What an addition requires.
    enum Next: Hashable {
        /// A report is already due or scheduled.
        case nothing
        case report
        /// A report after ``maximumDelay``.
        case reportLater
    }

    /// How long a completion waits for others, in milliseconds.
    static let maximumDelay: Int64 = 1
    /// A batch of this size is reported at once.
    static let maximumCount = 32

    private var completions: [TaskCompletion] = []
    private var isDue = false
    private var isScheduled = false

    var isEmpty: Bool { completions.isEmpty }

    mutating func add(_ completion: TaskCompletion) -> Next {
        completions.append(completion)
        if completion.mayWait, completions.count < Self.maximumCount {
            guard !isDue, !isScheduled else { return .nothing }
            isScheduled = true
            return .reportLater
        }
        defer { isDue = true }
        return isDue ? .nothing : .report
    }

    /// The delay is over.
    ///
    /// - Returns: whether a report is due that was not due before.
    mutating func timePassed() -> Bool {
        isScheduled = false
        guard !completions.isEmpty, !isDue else { return false }
        isDue = true
        return true
    }

    /// Takes all completions in their order, if a report is due.
    mutating func take() -> [TaskCompletion] {
        guard isDue else { return [] }
        isDue = false
        defer { completions = [] }
        return completions
    }

    /// Completions wait no longer.
    mutating func hurry() { isDue = true }
}
