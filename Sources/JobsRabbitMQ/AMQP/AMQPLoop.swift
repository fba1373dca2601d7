import CRabbitMQ
import CeleryProtocol
import Jobs
import JobsCelery
import Logging
import Support
import Synchronization

/// The loop of a connection's thread: connects, serves the users of the channels, reconnects. Used on that thread only.
final class AMQPLoop {
    private let url: AMQPURL
    private let name: String
    private let logger: Logger
    private let doorbell: AMQPWakeup
    private let changes: () -> AMQPConnection.Changes
    private var seats: [AMQPChannelSlot] = []
    private var backoff = Backoff.amqp
    private var isStopping = false
    /// Whether the current loss was logged.
    private var hasToldLoss = false

    /// The most events received before pending work is performed.
    private static let eventsPerTurn = 512
    /// The timeout of closing the connection, in seconds.
    private static let farewell = 3

    /// - Parameter changes: Returns the changes since the last call.
    init(
        _ url: AMQPURL,
        name: String,
        logger: Logger,
        doorbell: AMQPWakeup,
        changes: @escaping () -> AMQPConnection.Changes
    ) {
        self.url = url
        self.name = name
        self.logger = logger
        self.doorbell = doorbell
        self.changes = changes
    }

    func run() {
        while !isStopping {
            takeChanges(nil)
            if isStopping { break }
            if seats.isEmpty {
                doorbell.wait(orFor: nil, milliseconds: -1)
            } else {
                connectAndServe()
            }
        }
        for seat in seats { seat.ended() }
    }

    private func connectAndServe() {
        do {
            let session = try AMQPSession.connect(to: url, name: name)
            if hasToldLoss { logger.notice("Reconnected to RabbitMQ.", metadata: metadata) }
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

    private var metadata: Logger.Metadata { ["connection": "\(name)", "broker": "\(url)"] }

    private func lost(_ error: CeleryError) {
        if !hasToldLoss { logger.warning("\(error.message) Retrying.", metadata: metadata) }
        hasToldLoss = true
        for seat in seats { seat.lost(error) }
    }

    /// Waits before the next connection attempt; deadlines that pass meanwhile are reported.
    private func waitAfterFailure() {
        let end = AMQPClock.now + backoff.next().wholeMilliseconds
        while !isStopping, AMQPClock.now < end {
            doorbell.wait(orFor: nil, milliseconds: milliseconds(until: earliest(end, nextDeadline)))
            takeChanges(nil)
            for seat in seats { try? seat.work() }
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
                notifyUsers(blocked: blocked)
            } else if events == 0 {
                doorbell.wait(orFor: session.socket, milliseconds: milliseconds(until: nextTurn(session)))
            }
        }
    }

    /// Delivers received events to their users; returns their number.
    private func receive(_ session: AMQPSession, atMost most: Int) throws -> Int {
        var count = 0
        while count < most {
            do {
                guard let (channel, event) = try session.nextEvent() else { break }
                seats.first { $0.number == channel }?.receive(event)
            } catch AMQPClosed.channel(let number, let code, let text) {
                seats.first { $0.number == number }?.fail(AMQPClosed.error(code: code, text: text), logger: logger)
            }
            count += 1
        }
        return count
    }

    private func sayGoodbye(_ session: AMQPSession) throws {
        let end = AMQPClock.now + Int64(Self.farewell) * 1000
        while seats.contains(where: \.isBusy), AMQPClock.now < end {
            if try receive(session, atMost: Self.eventsPerTurn) == 0 {
                doorbell.wait(orFor: session.socket, milliseconds: milliseconds(until: end))
            }
            for seat in seats { try seat.serve(on: session, logger: logger) }
        }
    }

    private func notifyUsers(blocked: String?) {
        if let blocked {
            logger.warning("RabbitMQ does not accept messages at present: \(blocked)", metadata: metadata)
        } else {
            logger.notice("RabbitMQ accepts messages again.", metadata: metadata)
        }
    }

    /// Applies attached and detached users.
    private func takeChanges(_ session: AMQPSession?) {
        doorbell.hear()
        let changes = changes()
        isStopping = changes.isStopping
        for user in changes.joining { seats.append(AMQPChannelSlot(user)) }
        for one in changes.leaving {
            if let place = seats.firstIndex(where: { $0.belongs(to: one.user) }) {
                seats.remove(at: place).leave(session, logger: logger)
            }
            one.user.ended()
            one.done()
        }
    }

    private var nextDeadline: Int64? {
        seats.reduce(nil) { earliest($0, $1.deadline) }
    }

    /// The time of the next turn without an event: the next deadline or heartbeat check.
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

/// A user's channel: opened on each connection, and reopened when the server closes it. Used on the thread only.
final class AMQPChannelSlot {
    private let user: any AMQPChannelUser
    /// The number of the open channel. Each opening uses another number, so that late events of a lost channel are not
    /// attributed to the new one.
    private(set) var number: UInt16?
    private var backoff = Backoff.amqp
    /// The earliest time to open the channel.
    private var opensAt: Int64 = 0
    private var openedAt: Int64 = 0

    /// How long a channel must have been open to reset the backoff, in milliseconds.
    private static let calm: Int64 = 5000

    init(_ user: any AMQPChannelUser) {
        self.user = user
    }

    var deadline: Int64? {
        guard number == nil, opensAt > 0 else { return user.deadline }
        return min(opensAt, user.deadline ?? opensAt)
    }

    /// Whether the user waits for a response that should be received before the connection is closed.
    var isBusy: Bool { user.isBusy }

    func belongs(to other: any AMQPChannelUser) -> Bool { user === other }

    func receive(_ event: AMQPEvent) { user.receive(event) }

    /// Runs the user's pending work without a connection.
    func work() throws { try user.work(on: nil) }

    /// This process closed the connection.
    func ended() { user.ended() }

    /// Opens the channel if necessary and performs the user's work.
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

    /// Closes the channel of a user that does not want one.
    private func giveUp(on session: AMQPSession) throws {
        if let number {
            self.number = nil
            try AMQPChannel(session: session, number: number).close()
            user.lost(CeleryError(.connectionLost, "The channel was closed."))
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

    /// The server closed the channel; schedules reopening it.
    func fail(_ error: CeleryError, logger: Logger) {
        logger.warning("RabbitMQ closed a channel; reopening it: \(error.message)")
        number = nil
        if AMQPClock.now - openedAt > Self.calm { backoff.reset() }
        opensAt = AMQPClock.now + backoff.next().wholeMilliseconds
        user.lost(error)
    }

    /// The connection was lost.
    func lost(_ error: CeleryError) {
        number = nil
        opensAt = 0
        user.lost(error)
    }

    /// Performs the user's pending work and closes the channel.
    func leave(_ session: AMQPSession?, logger: Logger) {
        guard let session, number != nil else { return }
        do {
            try serve(on: session, logger: logger)
            if let number { try AMQPChannel(session: session, number: number).close() }
        } catch {
            logger.debug("Could not close a channel cleanly: \(error)")
        }
    }
}

extension Backoff {
    /// Between attempts to connect and to open a channel.
    static var amqp: Backoff { Backoff(first: .milliseconds(50), longest: .seconds(2), jitter: 0.5) }
}

/// Wakes a thread that waits for a socket, through a pipe that the thread polls too.
final class AMQPWakeup: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32
    /// Whether a wakeup is pending; further ones then skip the system call.
    private let isRung = Atomic(false)

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard dash_amqp_make_pipe(&ends) == 0 else {
            throw CeleryError(.unreachable, "Cannot create a pipe for the RabbitMQ connection: too many open files.")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func ring() {
        guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        write(writeEnd, &byte, 1)
    }

    /// Clears the pending wakeups. State written before them is visible afterwards.
    func hear() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, 16) == 16 {}
        isRung.store(false, ordering: .sequentiallyConsistent)
    }

    /// Waits for a wakeup, for readable data on `socket`, or for the timeout.
    func wait(orFor socket: Int32?, milliseconds: Int32) {
        var places = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
        if let socket { places.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        poll(&places, nfds_t(places.count), milliseconds)
    }
}
