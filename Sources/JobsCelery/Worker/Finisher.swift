import Logging
import NIOCore
import Support
import Synchronization

/// Tells how tasks ended: stores results, then settles their messages, then tells events. What comes while it waits for an
/// answer, or what ``GatheredEnds`` keeps for a moment, is done together in one go.
final class Finisher: Sendable {
    private struct State {
        var ends = GatheredEnds()
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
    /// Keeps the time of those that wait for others.
    private let loop: any EventLoop
    private let state = Mutex(State())
    private let added = AsyncSignal()

    init(_ parts: CeleryWorkerParts, _ consumer: any CeleryConsumer, _ loop: any EventLoop) {
        results = parts.results
        self.consumer = consumer
        express = consumer.express(to: parts.results)
        events = parts.events
        logger = parts.logger
        self.loop = loop
    }

    /// Tells something when its turn comes. What is told of one task keeps its order.
    func add(_ end: TaskEnd) {
        switch state.withLock({ $0.ends.add(end) }) {
        case .nothing: break
        case .tell: added.signal()
        case .tellLater:
            loop.scheduleTask(in: .milliseconds(GatheredEnds.patience)) { [self] in
                if state.withLock({ $0.ends.timePassed() }) { added.signal() }
            }
        }
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
        state.withLock { state in
            state.isFinished = true
            state.ends.hurry()
        }
        added.signal()
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
        while await added.wait() {
            while case let ends = state.withLock({ $0.ends.take() }), !ends.isEmpty { await tell(ends, onEnd) }
            if state.withLock({ $0.isFinished && $0.ends.isEmpty }) { return }
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
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
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
            await pause(backoff.next())
        }
    }
}

/// A back-off, which no cancellation shortens: a task that is cancelled would try without a pause.
func pause(_ wait: Duration) async {
    await Task { try? await Task.sleep(for: wait) }.value
}
