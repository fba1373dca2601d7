import DashJSON
import ServiceLifecycle
import Synchronization

@testable import CeleryProtocol
@testable import JobsCelery

/// A broker in memory with one consumer. The test delivers its messages.
final class FakeBroker: CeleryBroker {
    let consumer = FakeConsumer()
    private let onPublish: @Sendable () async throws -> Void
    private let state = Mutex((published: [BrokerMessage](), failures: 0))

    let information = BrokerInformation.json("fake", "here", 0, userID: nil, virtualHost: "/", usesTLS: false)

    let priorities = [0, 3, 6, 9]

    var published: [BrokerMessage] { state.withLock { $0.published } }

    /// Lets the next publications fail.
    func fail(_ count: Int) { state.withLock { $0.failures = count } }

    /// - Parameter onPublish: Called for each message before it is published.
    init(onPublish: @escaping @Sendable () async throws -> Void = {}) { self.onPublish = onPublish }

    func run() async throws { try? await gracefulShutdown() }

    func publish(_ task: BrokerMessage) async throws {
        try await onPublish()
        try state.withLock { state in
            guard state.failures == 0 else {
                state.failures -= 1
                throw CeleryError(.unreachable, "The broker is unreachable.")
            }
            state.published.append(task)
        }
    }

    func waiting(in queue: String) async throws -> Int { 0 }
    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) -> any CeleryConsumer { consumer }

    func broadcast(_ request: BrokerMessage) async throws {}
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws {}
    func broadcasts() -> AsyncStream<BrokerMessage> { AsyncStream { $0.finish() } }
    func hearsBroadcasts() async {}
    func reply(_ reply: BrokerMessage) async throws {}
    func publishEvent(_ event: BrokerMessage) async {}
}

final class FakeConsumer: CeleryConsumer {
    private struct State {
        var settled: [String: Settlement] = [:]
        var forgotten: [String] = []
    }

    private let state = Mutex(State())
    private let arrivals: AsyncStream<Delivery>
    private let arriving: AsyncStream<Delivery>.Continuation
    let settling: AsyncStream<String>
    private let settlingContinuation: AsyncStream<String>.Continuation

    init() {
        (arrivals, arriving) = AsyncStream.makeStream()
        (settling, settlingContinuation) = AsyncStream.makeStream()
    }

    func deliver(_ delivery: Delivery) { arriving.yield(delivery) }

    /// How deliveries were settled, by tag.
    var settled: [String: Settlement] { state.withLock { $0.settled } }
    /// Deliveries that were settled by other means.
    var forgotten: [String] { state.withLock { $0.forgotten } }

    func run() async throws { try? await gracefulShutdown() }

    func fetch(upTo limit: Int) async -> [Delivery] {
        for await delivery in arrivals { return [delivery] }
        return []
    }

    func settle(_ delivery: Delivery, as settlement: Settlement) async {
        state.withLock { $0.settled[delivery.tag] = settlement }
        settlingContinuation.yield(delivery.tag)
    }

    func settled(_ delivery: Delivery) {
        state.withLock { $0.forgotten.append(delivery.tag) }
        settlingContinuation.yield(delivery.tag)
    }

    func setPrefetch(_ prefetch: Int) {}
    func add(queue: String) async throws {}
    func cancel(queue: String) async throws {}
    var queues: [String] { ["dash"] }

    func stopFetching() {
        arriving.finish()
    }
}

/// Results in memory.
final class MemoryResults: ResultStore {
    private let state = Mutex((metas: [ResultMeta](), failures: 0))

    /// Everything that was stored, in order.
    var metas: [ResultMeta] { state.withLock { $0.metas } }

    /// Lets the next writes fail.
    func fail(_ count: Int) { state.withLock { $0.failures = count } }

    func store(_ metas: [ResultMeta]) async throws {
        try state.withLock { state in
            guard state.failures == 0 else {
                state.failures -= 1
                throw CeleryError(.unreachable, "The results are unreachable.")
            }
            state.metas += metas
        }
    }

    func read(_ ids: [String]) async throws -> [ResultMeta?] {
        let metas = metas
        return ids.map { id in metas.last { $0.taskID == id } }
    }
}
