import Jobs
import Logging
import Support

/// What a connection's thread does: connect, serve the users of the channels, connect again. Made and used there only.
final class AMQPLoop {
    private let connection: AMQPConnection
    private var seats: [AMQPSeat] = []
    private var backoff = Backoff.amqp
    private var isStopping = false
    /// Whether the present loss was told in the log.
    private var hasToldLoss = false
    private var logger: Logger { connection.logger }

    /// Events that are taken before what was asked for is done.
    private static let eventsPerTurn = 512
    /// How long the end waits for the server's answers, in seconds.
    private static let farewell = 3

    init(_ connection: AMQPConnection) {
        self.connection = connection
    }

    func run() {
        while !isStopping {
            takeChanges(nil)
            if isStopping { break }
            if seats.isEmpty {
                connection.doorbell.wait(orFor: nil, milliseconds: -1)
            } else {
                connectAndServe()
            }
        }
        for seat in seats { seat.user.ended() }
    }

    private func connectAndServe() {
        do {
            let session = try AMQPSession.connect(to: connection.url, name: connection.name)
            if hasToldLoss { logger.notice("Connected to RabbitMQ again.", metadata: metadata) }
            hasToldLoss = false
            backoff.reset()
            try serve(session)
            session.close(within: Self.farewell)
        } catch {
            let error =
                (error as? AMQPClosed)?.error ?? (error as? CeleryError) ?? CeleryError(.connectionLost, "\(error)")
            lost(error)
            waitAfterFailure()
        }
    }

    private var metadata: Logger.Metadata { ["connection": "\(connection.name)", "broker": "\(connection.url)"] }

    private func lost(_ error: CeleryError) {
        if !hasToldLoss { logger.warning("\(error.message) It is tried again.", metadata: metadata) }
        hasToldLoss = true
        for seat in seats { seat.lost(error) }
    }

    /// Waits before the next try to connect; who has no time for that is told in between.
    private func waitAfterFailure() {
        let end = AMQPClock.now + backoff.next().wholeMilliseconds
        while !isStopping, AMQPClock.now < end {
            connection.doorbell.wait(orFor: nil, milliseconds: milliseconds(until: earliest(end, nextDeadline)))
            takeChanges(nil)
            for seat in seats { try? seat.user.work(on: nil) }
        }
    }

    private func serve(_ session: AMQPSession) throws {
        var blocked: String?
        while true {
            takeChanges(session)
            for seat in seats { try seat.serve(on: session, logger: logger) }
            if isStopping { return try sayGoodbye(session) }
            let events = try receive(session, atMost: Self.eventsPerTurn)
            if session.blocked != blocked {
                blocked = session.blocked
                tell(blocked: blocked)
            } else if events == 0 {
                connection.doorbell.wait(orFor: session.socket, milliseconds: milliseconds(until: nextTurn(session)))
            }
        }
    }

    /// Hands out what came; gives how much it was.
    private func receive(_ session: AMQPSession, atMost most: Int) throws -> Int {
        var count = 0
        while count < most {
            do {
                guard let (channel, event) = try session.nextEvent() else { break }
                seats.first { $0.number == channel }?.user.receive(event)
            } catch AMQPClosed.channel(let number, let code, let text) {
                seats.first { $0.number == number }?.fail(AMQPClosed.error(code: code, text: text), logger: logger)
            }
            count += 1
        }
        return count
    }

    private func sayGoodbye(_ session: AMQPSession) throws {
        let end = AMQPClock.now + Int64(Self.farewell) * 1000
        while seats.contains(where: \.user.isBusy), AMQPClock.now < end {
            if try receive(session, atMost: Self.eventsPerTurn) == 0 {
                connection.doorbell.wait(orFor: session.socket, milliseconds: milliseconds(until: end))
            }
            for seat in seats { try seat.serve(on: session, logger: logger) }
        }
    }

    private func tell(blocked: String?) {
        if let blocked {
            logger.warning("RabbitMQ takes no messages at the moment: \(blocked)", metadata: metadata)
        } else {
            logger.notice("RabbitMQ takes messages again.", metadata: metadata)
        }
    }

    /// Users that came and went.
    private func takeChanges(_ session: AMQPSession?) {
        connection.doorbell.hear()
        let changes = connection.takeChanges()
        isStopping = changes.isStopping
        for user in changes.joining { seats.append(AMQPSeat(user)) }
        for one in changes.leaving {
            if let place = seats.firstIndex(where: { $0.user === one.user }) {
                seats.remove(at: place).leave(session, logger: logger)
            }
            one.user.ended()
            one.done()
        }
    }

    private var nextDeadline: Int64? {
        seats.reduce(nil) { earliest($0, $1.deadline) }
    }

    /// When to look again though nothing happened: for a deadline, or for the signs of life.
    private func nextTurn(_ session: AMQPSession) -> Int64? {
        let quarter = Int64(session.heartbeat) * 250
        return earliest(nextDeadline, quarter > 0 ? AMQPClock.now + quarter : nil)
    }

    private func earliest(_ one: Int64?, _ other: Int64?) -> Int64? {
        [one, other].compactMap(\.self).min()
    }

    private func milliseconds(until time: Int64?) -> Int32 {
        time.map { Int32(clamping: max(0, $0 - AMQPClock.now)) } ?? -1
    }
}
