import Logging
import Synchronization

/// Tells how tasks ended: stores results, then settles their messages, then tells events. What comes while it waits for an
/// answer is done together in the next go, so that a busy worker says much with few words.
final class Finisher: Sendable {
    private struct State {
        var ends: [TaskEnd] = []
        var isFinished = false
        /// After this time what could not be stored is given up.
        var deadline: ContinuousClock.Instant?
    }

    private let results: any ResultStore
    private let consumer: any CeleryConsumer
    /// Where results and messages are on one Redis.
    private let express: RedisExpress?
    private let events: any WorkerEvents
    let logger: Logger
    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    init(results: any ResultStore, consumer: any CeleryConsumer, events: any WorkerEvents, logger: Logger) {
        self.results = results
        self.consumer = consumer
        express = RedisExpress(results: results, consumer: consumer)
        self.events = events
        self.logger = logger
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Tells something when its turn comes. What is told of one task keeps its order.
    func add(_ end: TaskEnd) {
        let isFirst = state.withLock { state in
            state.ends.append(end)
            return state.ends.count == 1
        }
        if isFirst { ringer.yield() }
    }

    /// Stores the meta of an end, after what was told of the task before, and waits until that is done.
    func store(_ end: TaskEnd) async {
        guard let meta = end.meta else { return }
        await withCheckedContinuation { continuation in
            var storing = TaskEnd(end.delivery, nil, meta: meta)
            storing.stored = continuation
            add(storing)
        }
    }

    /// Nothing more comes: ``run(onEnd:)`` returns when all is told.
    func finish() {
        state.withLock { $0.isFinished = true }
        ringer.yield()
    }

    /// From now on there is only so much time.
    func hurry(patience: Duration) {
        state.withLock { $0.deadline = $0.deadline ?? .now + patience }
    }

    /// Whether what was not told so far is given up.
    var isPastDeadline: Bool { state.withLock { $0.deadline.map { $0 < .now } ?? false } }

    /// Tells what there is to tell, until the end.
    ///
    /// - Parameter onEnd: Called with the number of each held task that is done with.
    func run(onEnd: @Sendable (Int) -> Void) async {
        // Cancellation is no reason to leave something untold: `finish` ends this.
        for await _ in bell {
            while case let ends = takeAll(), !ends.isEmpty { await tell(ends, onEnd) }
            if state.withLock({ $0.isFinished && $0.ends.isEmpty }) { return }
        }
    }

    private func takeAll() -> [TaskEnd] {
        state.withLock { state in
            defer { state.ends = [] }
            return state.ends
        }
    }

    private func tell(_ ends: [TaskEnd], _ onEnd: @Sendable (Int) -> Void) async {
        if let rest = await store(ends) { await settle(rest) }
        for end in ends {
            end.stored?.resume()
            if let event = end.event { events.tell(event()) }
            if let number = end.number { onEnd(number) }
        }
    }

    private func settle(_ ends: [TaskEnd]) async {
        var settlements: [(delivery: Delivery, settlement: Settlement)] = []
        for end in ends where end.keeper == nil || !end.isKeptForSure {
            if let settlement = end.settlement { settlements.append((end.delivery, settlement)) }
        }
        if !settlements.isEmpty { await consumer.settle(settlements) }
        for end in ends where end.keeper != nil { await release(end) }
    }

    /// Stores results, however long that takes.
    ///
    /// - Returns: the ends whose messages are to be settled; nil if it was given up: the messages must stay as they are
    ///   then, so that the tasks run again.
    private func store(_ ends: [TaskEnd]) async -> [TaskEnd]? {
        var wait = Duration.milliseconds(50)
        while true {
            do {
                if let express { return try await express.tell(ends) }
                let metas = ends.compactMap(\.meta)
                if !metas.isEmpty { try await results.store(metas) }
                return ends
            } catch {
                logger.error("Results could not be stored.", metadata: ["count": "\(ends.count)", "error": "\(error)"])
            }
            if isPastDeadline { return nil }
            await pause(wait)
            wait = min(wait * 2, .seconds(2))
        }
    }
}

/// A back-off, which no cancellation shortens: a task that is cancelled would try without a pause.
func pause(_ wait: Duration) async {
    await Task { try? await Task.sleep(for: wait) }.value
}
