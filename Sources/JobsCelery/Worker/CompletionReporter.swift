import CeleryProtocol
import DashJSON
import Logging
import NIOCore
import RedisClient
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
    /// Nil unless results and messages are on one Redis.
    private let batchAck: RedisBatchAck?
    private let events: any WorkerEvents
    private let logger: Logger
    /// Schedules delayed completions.
    private let loop: any EventLoop
    private let state = Mutex(State())
    private let added = AsyncSignal()

    init(_ parts: CeleryWorkerParts, _ consumer: any CeleryConsumer, _ loop: any EventLoop) {
        results = parts.results
        self.consumer = consumer
        batchAck = consumer.batchAck(with: parts.results)
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
        var settlements: [(delivery: Delivery, settlement: Settlement)] = []
        for completion in completions where completion.vault == nil || !completion.isInVault {
            if let settlement = completion.settlement { settlements.append((completion.delivery, settlement)) }
        }
        if !settlements.isEmpty { await consumer.settle(settlements) }
        for completion in completions where completion.vault != nil { await release(completion) }
    }

    /// Stores results, with retries.
    ///
    /// - Returns: the completions whose messages are still to be settled; nil after the deadline: then the messages
    ///   stay unsettled, so that the tasks run again.
    private func store(_ completions: [TaskCompletion]) async -> [TaskCompletion]? {
        await retrying(first: .milliseconds(50), until: { isPastDeadline }) {
            if let batchAck { return try await batchAck.report(completions) }
            let metas = completions.compactMap(\.meta)
            if !metas.isEmpty { try await results.store(metas) }
            return completions
        } onError: { error in
            logger.error(
                "Results could not be stored.",
                metadata: ["count": "\(completions.count)", "error": "\(error)"]
            )
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
    onError: (any Error) -> Void
) async -> Value? {
    var backoff = Backoff(first: first, longest: .seconds(2))
    while true {
        do { return try await body() } catch { onError(error) }
        if isOver() { return nil }
        await pause(backoff.next())
    }
}

/// A backoff that a cancellation does not shorten: a cancelled task would retry without pauses.
func pause(_ wait: Duration) async {
    await Task { try? await Task.sleep(for: wait) }.value
}

/// What is reported of a completed or running task.
struct TaskCompletion: Sendable {
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

/// Stores results and acknowledges messages that are on the same Redis, both for many tasks in one script.
package struct RedisBatchAck: Sendable {
    private let results: RedisResults
    private let consumer: RedisConsumer
    private let client: ReconnectingRedisClient
    private let keys: RedisKeys
    private let worker: WorkerIdentity

    /// The maximum of completions in one script, as Lua limits the arguments of a function.
    private static let scriptLimit = 500

    /// Keys: `unacked`, its index, holders, then those of metas. Arguments: the worker, the lifetime of metas in
    /// seconds, their count, the metas, then the tags to acknowledge.
    private static let storeAndAcknowledge = RedisScript(
        "store results and acknowledge",
        ResultScripts.storeFunction + BrokerScripts.releaseAll
            + """
            local metas = tonumber(ARGV[3])
            for place = 1, metas do store_meta(KEYS[3 + place], ARGV[3 + place], ARGV[2]) end
            local tags = {}
            for place = 4 + metas, #ARGV do tags[#tags + 1] = ARGV[place] end
            if #tags > 0 then dash_release_all(KEYS[1], KEYS[2], KEYS[3], ARGV[1], tags) end
            """
    )

    /// - Parameter client: The connection by which `consumer` fetches.
    init(
        _ results: RedisResults,
        _ consumer: RedisConsumer,
        _ client: ReconnectingRedisClient,
        keys: RedisKeys,
        worker: WorkerIdentity
    ) {
        self.results = results
        self.consumer = consumer
        self.client = client
        self.keys = keys
        self.worker = worker
    }

    /// Stores metas in the order of the completions, and acknowledges messages. Other settlements are left.
    ///
    /// - Returns: the completions whose messages are still to be settled.
    /// - Throws: when not all could be done; all may then be reported again.
    func report(_ completions: [TaskCompletion]) async throws -> [TaskCompletion] {
        let rest = completions.filter { !$0.isAcknowledged && $0.settlement != nil }
        let calls = calls(completions)
        // Without a request there is no wait for a lost connection.
        guard !calls.isEmpty else { return rest }
        let settled = completions.filter(\.isAcknowledged).map(\.delivery)
        // Before the request, so that the next fetch can go out with it.
        consumer.willRelease(settled)
        do {
            for answer in try await client.run(calls) {
                if case .error(let message) = answer { throw Self.storeAndAcknowledge.error(message) }
            }
        } catch {
            consumer.didNotRelease(settled)
            throw error
        }
        consumer.didRelease(settled)
        return rest
    }

    private func calls(_ completions: [TaskCompletion]) -> [RedisScriptCall] {
        stride(from: 0, to: completions.count, by: Self.scriptLimit).compactMap { start in
            call(completions[start..<min(start + Self.scriptLimit, completions.count)])
        }
    }

    private func call(_ completions: ArraySlice<TaskCompletion>) -> RedisScriptCall? {
        let metas = completions.compactMap(\.meta)
        let tags = completions.filter(\.isAcknowledged).map(\.delivery.tag)
        guard !metas.isEmpty || !tags.isEmpty else { return nil }
        let arguments: [any RedisArgument] = [worker.id, results.settings.expires, metas.count]
        return Self.storeAndAcknowledge.call(
            keys: [keys.unacked, keys.unackedIndex, keys.holders]
                + metas.map { results.settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() } + tags
        )
    }
}

extension TaskCompletion {
    /// Whether the message is only to be removed at the broker.
    fileprivate var isAcknowledged: Bool { vault == nil && (settlement == .acknowledged || settlement == .rejected) }
}
