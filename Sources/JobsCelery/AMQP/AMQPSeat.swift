import Jobs
import Logging
import Support

/// A user's channel: opened when there is a connection, and again when the server closed it. On the thread only.
final class AMQPSeat {
    let user: any AMQPChannelUser
    /// The open channel's. Each opening takes another one: what the server said on a lost channel must not be taken for the
    /// new one's.
    private(set) var number: UInt16?
    private var backoff = Backoff.amqp
    /// Not to be opened before.
    private var opensAt: Int64 = 0
    private var openedAt: Int64 = 0

    /// A channel that was open so long, in milliseconds, is opened again without a longer wait.
    private static let calm: Int64 = 5000

    init(_ user: any AMQPChannelUser) {
        self.user = user
    }

    var deadline: Int64? {
        guard number == nil, opensAt > 0 else { return user.deadline }
        return min(opensAt, user.deadline ?? opensAt)
    }

    /// Opens the channel if need be, and lets the user work.
    ///
    /// - Throws: `AMQPClosed.connection`.
    func serve(on session: AMQPSession, logger: Logger) throws {
        guard user.wantsChannel else { return try giveUp(on: session) }
        do {
            if number == nil, AMQPClock.now >= opensAt { try open(on: session) }
            try user.work(on: number.map { AMQPChannel(session: session, number: $0) })
        } catch AMQPClosed.channel(let closed, let code, let text) {
            if let number, closed != number { try AMQPChannel(session: session, number: number).close() }
            fail(AMQPClosed.error(code: code, text: text), logger: logger)
        }
    }

    /// Closes the channel of a user that wants none.
    private func giveUp(on session: AMQPSession) throws {
        if let number {
            self.number = nil
            try AMQPChannel(session: session, number: number).close()
            user.lost(CeleryError(.connectionLost, "The channel was given up."))
        }
        try user.work(on: nil)
    }

    private func open(on session: AMQPSession) throws {
        let channel = AMQPChannel(session: session, number: session.freshChannelNumber())
        try channel.open()
        number = channel.number
        openedAt = AMQPClock.now
        try user.open(channel)
    }

    /// The server closed the channel; it is opened again soon.
    func fail(_ error: CeleryError, logger: Logger) {
        logger.warning("RabbitMQ closed a channel, which is opened again: \(error.message)")
        number = nil
        if AMQPClock.now - openedAt > Self.calm { backoff.reset() }
        opensAt = AMQPClock.now + backoff.next().wholeMilliseconds
        user.lost(error)
    }

    /// The connection is lost.
    func lost(_ error: CeleryError) {
        number = nil
        opensAt = 0
        user.lost(error)
    }

    /// Lets the user say its last words and closes the channel.
    func leave(_ session: AMQPSession?, logger: Logger) {
        guard let session, number != nil else { return }
        do {
            try serve(on: session, logger: logger)
            if let number { try AMQPChannel(session: session, number: number).close() }
        } catch {
            logger.debug("A channel was not closed in order: \(error)")
        }
    }
}

extension Backoff {
    /// Of tries to connect and to open a channel.
    static var amqp: Backoff { Backoff(first: .milliseconds(50), longest: .seconds(2), jitter: 0.5) }
}
