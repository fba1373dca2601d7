import CRabbitMQ
import CeleryProtocol
import Jobs
import JobsCelery
import Logging
import Support

/// A channel of a session. Used on the connection's thread only; calls block it until the server responds.
///
/// All methods throw `AMQPClosed`.
struct AMQPChannel {
    let session: AMQPSession
    let number: UInt16

    func open() throws {
        try call { amqp_channel_open($1, number) }
    }

    func close() throws {
        try session.close(channel: number)
    }

    /// Enables publisher confirms on this channel.
    func confirmPublishes() throws {
        try call { amqp_confirm_select($1, number) }
    }

    /// Limits the unsettled deliveries of the whole channel, or of each consumer that starts from now on.
    func limit(to prefetch: Int, wholeChannel: Bool) throws {
        try call { amqp_basic_qos($1, number, 0, UInt16(clamping: prefetch), wholeChannel.flag) }
    }

    func consume(_ queue: String, tag: String, acknowledges: Bool) throws {
        try call { arena, state in
            let (queue, tag, noAck) = (arena.bytes(queue), arena.bytes(tag), (!acknowledges).flag)
            return amqp_basic_consume(state, number, queue, tag, 0, noAck, 0, amqp_empty_table)
        }
    }

    func cancel(tag: String) throws {
        try call { arena, state in amqp_basic_cancel(state, number, arena.bytes(tag)) }
    }

    /// Publishes a message.
    ///
    /// - Throws: `CeleryError`, without sending anything, if the message does not fit into RabbitMQ's frames.
    func publish(_ task: BrokerMessage, mandatory: Bool) throws {
        try session.send { arena, state in
            var properties = try amqp_basic_properties_t(task, in: arena)
            let (exchange, key) = (arena.bytes(task.exchange), arena.bytes(task.routingKey))
            return task.body.withUnsafeBytes { body in
                let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                return amqp_basic_publish(state, number, exchange, key, mandatory.flag, 0, &properties, bytes)
            }
        }
    }

    /// Acknowledges and rejects deliveries.
    func settle(_ frames: [AckBatch.Frame]) throws {
        if frames.count > 1 { session.cork(true) }
        defer { if frames.count > 1 { session.cork(false) } }
        for frame in frames {
            try session.send { _, state in
                switch frame {
                case .acknowledge(let delivery, let multiple): amqp_basic_ack(state, number, delivery, multiple.flag)
                case .reject(let delivery, let requeue): amqp_basic_reject(state, number, delivery, requeue.flag)
                }
            }
        }
    }

    /// Sends a method and waits for the server's response.
    func call<Answer>(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutablePointer<Answer>?) throws {
        try session.call(on: number, method)
    }
}

extension Bool {
    var flag: amqp_boolean_t { self ? 1 : 0 }
}

/// A user of a channel. All methods are called on the connection's thread and may block only for the server's response
/// to a call on the channel.
protocol AMQPChannelUser: AnyObject, Sendable {
    /// The channel was opened, initially or after a loss: declare and consume.
    ///
    /// - Throws: `AMQPClosed`. The channel is reopened after a delay.
    func open(_ channel: AMQPChannel) throws

    func receive(_ event: AMQPEvent)

    /// Performs pending work: after each round of events, after a wakeup and at `deadline`. `channel` is nil while
    /// there is none.
    func work(on channel: AMQPChannel?) throws

    /// The channel or the connection was lost, or a connection attempt failed.
    func lost(_ error: CeleryError)

    /// This process closed the connection; no further channel is opened.
    func ended()

    /// Whether to keep a channel open while connected.
    var wantsChannel: Bool { get }

    /// Whether to finish the connection only after this user.
    var keepsConnection: Bool { get }

    /// The latest time of the next `work` call, by `AMQPClock`.
    var deadline: Int64? { get }

    /// Whether a response is outstanding that should be received before the connection is closed.
    var isBusy: Bool { get }
}

extension AMQPChannelUser {
    func receive(_ event: AMQPEvent) {}
    var wantsChannel: Bool { true }
    var keepsConnection: Bool { false }
    var deadline: Int64? { nil }
    var isBusy: Bool { false }
}

/// A user's channel: opened on each connection, and reopened when the server closes it. Used on the thread only.
final class AMQPChannelSlot {
    let user: any AMQPChannelUser
    private let logger: Logger
    /// The number of the open channel. Each opening uses another number, so that late events of a lost channel are not
    /// attributed to the new one.
    private(set) var number: UInt16?
    private var backoff = Backoff.amqp
    /// The earliest time to open the channel.
    private var opensAt: Int64 = 0
    private var openedAt: Int64 = 0

    /// How long a channel must have been open to reset the backoff, in milliseconds.
    private static let calm: Int64 = 5000

    init(_ user: any AMQPChannelUser, _ logger: Logger) {
        self.user = user
        self.logger = logger
    }

    var deadline: Int64? {
        guard number == nil, opensAt > 0 else { return user.deadline }
        return min(opensAt, user.deadline ?? opensAt)
    }

    /// Opens the channel if necessary and performs the user's work.
    ///
    /// - Throws: `AMQPClosed` for the whole connection.
    func serve(on session: AMQPSession) throws {
        guard user.wantsChannel else { return try giveUp(on: session) }
        do {
            if number == nil, AMQPClock.now >= opensAt { try open(on: session) }
            try user.work(on: number.map { AMQPChannel(session: session, number: $0) })
        } catch let closed as AMQPClosed where closed.channel != nil {
            if let number, closed.channel != number { try AMQPChannel(session: session, number: number).close() }
            fail(closed.error)
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
    func fail(_ error: CeleryError) {
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
    func leave(_ session: AMQPSession?) {
        guard let session, number != nil else { return }
        do {
            try serve(on: session)
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
