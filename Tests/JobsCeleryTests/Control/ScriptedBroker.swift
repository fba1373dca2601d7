import DashJSON
import ServiceLifecycle

@testable import CeleryProtocol
@testable import JobsCelery

/// A broker without a server: the test sends the broadcasts and receives the replies and events.
final class ScriptedBroker: CeleryBroker {
    let information: JSON
    let priorities = [0, 3, 6, 9]
    let replies = AsyncStream<BrokerMessage>.makeStream()
    let events = AsyncStream<BrokerMessage>.makeStream()
    /// Signals each event about to be sent.
    let sending = AsyncStream<Void>.makeStream()
    let broadcast = AsyncStream<BrokerMessage>.makeStream()
    /// The replies of other workers.
    let answers: [BrokerMessage]
    /// If set, events wait for it, as for a connection.
    let connection: Latch?
    /// Signals each call of `hearsBroadcasts`, which waits for `hearing` if set.
    let listening = AsyncStream<Void>.makeStream()
    let hearing: Latch?

    init(
        _ information: JSON = .scripted,
        connection: Latch? = nil,
        answers: [BrokerMessage] = [],
        hearing: Latch? = nil
    ) {
        self.answers = answers
        self.hearing = hearing
        self.information = information
        self.connection = connection
    }

    func run() async throws { try await gracefulShutdown() }

    func publish(_ task: BrokerMessage) async throws {}

    func waiting(in queue: String) async throws -> Int { 0 }
    func makeConsumer(
        _ worker: WorkerIdentity,
        queues: [String],
        prefetch: Int
    ) throws -> any CeleryConsumer {
        throw CeleryError(.option, "This broker has no queues.")
    }

    func broadcast(_ request: BrokerMessage) async throws { broadcast.continuation.yield(request) }

    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws {
        broadcast.continuation.yield(request.message())
        sent()
        for answer in answers { heard(answer) }
    }

    func broadcasts() -> AsyncStream<BrokerMessage> { broadcast.stream }

    func hearsBroadcasts() async {
        listening.continuation.yield()
        await hearing?.passed()
    }

    func reply(_ reply: BrokerMessage) async throws { replies.continuation.yield(reply) }

    func publishEvent(_ event: BrokerMessage) async {
        sending.continuation.yield()
        await connection?.passed()
        events.continuation.yield(event)
    }

    /// A latch.
    struct Latch: Sendable {
        private let stream = AsyncStream<Void>.makeStream()

        func open() { stream.continuation.finish() }

        func passed() async { for await _ in stream.stream {} }
    }
}

extension JSON {
    static let scripted = BrokerInformation.json(
        "redis",
        "127.0.0.1",
        6500,
        userID: nil,
        virtualHost: "0",
        usesTLS: false
    )
}
