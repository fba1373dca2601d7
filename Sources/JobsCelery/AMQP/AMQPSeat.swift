import Logging

/// A user's channel: opened when there is a connection, and again when the server closed it. On the thread only.
final class AMQPSeat {
    let user: any AMQPChannelUser
    let number: UInt16
    private var isOpen = false
    private var backoff = AMQPBackoff()
    /// Not to be opened before.
    private var opensAt: Int64 = 0
    private var openedAt: Int64 = 0

    /// A channel that was open so long, in milliseconds, is opened again without a longer wait.
    private static let calm: Int64 = 5000

    init(_ user: any AMQPChannelUser, number: UInt16) {
        self.user = user
        self.number = number
    }

    var deadline: Int64? {
        guard !isOpen, opensAt > 0 else { return user.deadline }
        return min(opensAt, user.deadline ?? opensAt)
    }

    /// Opens the channel if need be, and lets the user work.
    ///
    /// - Throws: `AMQPClosed.connection`.
    func serve(on session: AMQPSession, logger: Logger) throws {
        let channel = AMQPChannel(session: session, number: number)
        do {
            if !isOpen, AMQPClock.now >= opensAt {
                try channel.open()
                isOpen = true
                openedAt = AMQPClock.now
                try user.open(channel)
            }
            try user.work(on: isOpen ? channel : nil)
        } catch AMQPClosed.channel(let closed, let code, let text) {
            if closed != number, isOpen { try? channel.close() }
            fail(AMQPClosed.error(code: code, text: text), logger: logger)
        }
    }

    /// The server closed the channel; it is opened again soon.
    func fail(_ error: CeleryError, logger: Logger) {
        logger.warning("RabbitMQ closed a channel, which is opened again: \(error.message)")
        isOpen = false
        if AMQPClock.now - openedAt > Self.calm { backoff.reset() }
        opensAt = AMQPClock.now + backoff.next()
        user.lost(error)
    }

    /// The connection is lost.
    func lost(_ error: CeleryError) {
        isOpen = false
        opensAt = 0
        user.lost(error)
    }

    /// Lets the user say its last words and closes the channel.
    func leave(_ session: AMQPSession?, logger: Logger) {
        guard let session, isOpen else { return }
        do {
            try serve(on: session, logger: logger)
            // What this fails by, the next call on the connection fails by too.
            if isOpen { try? AMQPChannel(session: session, number: number).close() }
        } catch {
            logger.debug("A channel was not closed in order: \(error)")
        }
    }
}
