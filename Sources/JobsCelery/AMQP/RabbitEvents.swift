import DashJSON
import Logging
import Synchronization

/// Sends events: best effort, unconfirmed. What cannot be sent at once is lost, as it would be worthless later.
final class RabbitEvents: AMQPChannelUser {
    private let connection: AMQPConnection
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var waiting: [RawTask] = []
        var isOpen = false
    }

    /// So many events may wait for the thread; further ones are lost.
    private static let most = 2000

    init(_ connection: AMQPConnection, logger: Logger) {
        self.connection = connection
        self.logger = logger
    }

    /// Hands an event over. Does not wait.
    func publish(_ event: RawTask) {
        var event = event
        event.exchange = "celeryev"
        state.withLock { state in
            if state.isOpen, state.waiting.count < Self.most { state.waiting.append(event) }
        }
        connection.doorbell.ring()
    }

    func open(_ channel: AMQPChannel) throws {
        for difference in try channel.session.declare([RabbitTopology.events]) { logger.warning("\(difference)") }
        state.withLock { $0.isOpen = true }
    }

    func receive(_ event: AMQPEvent) {}

    func work(on channel: AMQPChannel?) throws {
        let events = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        guard let channel, channel.session.blocked == nil else { return }
        for event in events {
            do {
                try channel.publish(event, mandatory: false)
            } catch let error as CeleryError {
                logger.debug("An event was not sent: \(error)")
            }
        }
    }

    func lost(_ error: CeleryError) {
        state.withLock { $0 = State() }
    }

    func ended() {
        state.withLock { $0 = State() }
    }
}
