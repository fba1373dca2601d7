import CRabbitMQ
import DashJSON
import Logging
import Support
import Synchronization

/// A connection to RabbitMQ that mends itself: a thread of its own owns the socket and librabbitmq's state, answers signs
/// of life whatever else happens, and serves the users of its channels. It connects when there is a first user.
final class AMQPConnection: Sendable {
    let url: AMQPURL
    let name: String
    let logger: Logger
    let doorbell: AMQPWakeup
    private let state = Mutex(State())

    private struct State {
        var joining: [any AMQPChannelUser] = []
        var leaving: [Leaving] = []
        var isStopping = false
        var hasEnded = false
    }

    /// A user that goes, and who waits for that.
    struct Leaving: Sendable {
        var user: any AMQPChannelUser
        var done: @Sendable () -> Void
    }

    /// What the thread is to know.
    struct Changes {
        var joining: [any AMQPChannelUser]
        var leaving: [Leaving]
        var isStopping: Bool
    }

    /// - Parameters:
    ///   - name: What it is called in RabbitMQ's lists of connections.
    init(_ url: AMQPURL, name: String, logger: Logger) throws {
        self.url = url
        self.name = name
        self.logger = logger
        doorbell = try AMQPWakeup()
    }

    /// Keeps it connected until the task is cancelled or `stop()` is called; returns when the thread has ended. That may
    /// take as long as a connection that is just being tried (`connect_timeout` of the address).
    func run() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                let isStarted = OwnThread.start(stackSize: 1 << 20) { [self] in
                    AMQPLoop(self).run()
                    end()
                    done.resume()
                }
                if !isStarted {
                    end()
                    done.resume(
                        throwing: CeleryError(
                            .unreachable,
                            "No thread could be started for the connection to RabbitMQ.",
                            cause: OwnThread.NoRoom()
                        )
                    )
                }
            }
        } onCancel: {
            stop()
        }
    }

    /// Ends the connection after what was asked so far. It does not connect again.
    func stop() {
        state.withLock { $0.isStopping = true }
        doorbell.ring()
    }

    /// Gives somebody a channel, from now on and over all losses.
    func attach(_ user: any AMQPChannelUser) {
        let isLate = state.withLock { state in
            if !state.hasEnded { state.joining.append(user) }
            return state.hasEnded
        }
        if isLate { user.ended() } else { doorbell.ring() }
    }

    /// Takes the channel away again, after what the user still has to say on it.
    func detach(_ user: any AMQPChannelUser) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let isLate = state.withLock { state in
                if !state.hasEnded { state.leaving.append(Leaving(user: user) { done.resume() }) }
                return state.hasEnded
            }
            if isLate { done.resume() } else { doorbell.ring() }
        }
    }

    func takeChanges() -> Changes {
        state.withLock { state in
            defer { (state.joining, state.leaving) = ([], []) }
            return Changes(joining: state.joining, leaving: state.leaving, isStopping: state.isStopping)
        }
    }

    private func end() {
        let rest = state.withLock { state in
            state.hasEnded = true
            defer { (state.joining, state.leaving) = ([], []) }
            return (joining: state.joining, leaving: state.leaving)
        }
        for user in rest.joining { user.ended() }
        for one in rest.leaving { one.done() }
    }
}

/// A channel of a session. Used on the connection's thread only; what waits for the server's answer waits there.
///
/// All throw `AMQPClosed`.
struct AMQPChannel {
    let session: AMQPSession
    let number: UInt16

    func open() throws {
        try call { amqp_channel_open($0, number) }
    }

    func close() throws {
        session.forget(channel: number)
        try check(amqp_channel_close(session.state, number, 200))
    }

    /// From now on the server confirms each message of this channel.
    func confirmPublishes() throws {
        try call { amqp_confirm_select($0, number) }
    }

    /// At most so many deliveries unsettled, of the whole channel or of each consumer that starts from now on.
    func limit(to prefetch: Int, wholeChannel: Bool) throws {
        let count = UInt16(clamping: prefetch)
        try call { amqp_basic_qos($0, number, 0, count, wholeChannel ? 1 : 0) }
    }

    func consume(_ queue: String, tag: String, acknowledges: Bool) throws {
        try call { arena, state in
            amqp_basic_consume(
                state,
                number,
                arena.bytes(queue),
                arena.bytes(tag),
                0,
                acknowledges ? 0 : 1,
                0,
                amqp_empty_table
            )
        }
    }

    func cancel(tag: String) throws {
        try call { arena, state in amqp_basic_cancel(state, number, arena.bytes(tag)) }
    }

    /// Sends a message. Checks it first: what RabbitMQ's frames cannot hold is thrown as `CeleryError`, and nothing is sent.
    func publish(_ task: BrokerMessage, mandatory: Bool) throws {
        defer { session.arena.reset() }
        try task.checkNames()
        let arena = session.arena
        var properties = try amqp_basic_properties_t(task, in: arena)
        let (exchange, key) = (arena.bytes(task.exchange), arena.bytes(task.routingKey))
        let status = task.body.withUnsafeBytes { body in
            let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            return amqp_basic_publish(session.state, number, exchange, key, mandatory ? 1 : 0, 0, &properties, bytes)
        }
        try check(status)
    }

    /// Settles a delivery, or (`multiple`) all up to it.
    func acknowledge(_ delivery: UInt64, multiple: Bool) throws {
        try check(amqp_basic_ack(session.state, number, delivery, multiple ? 1 : 0))
    }

    /// Refuses a delivery, for good or to be given to anybody.
    func reject(_ delivery: UInt64, requeue: Bool) throws {
        try check(amqp_basic_reject(session.state, number, delivery, requeue ? 1 : 0))
    }

    func call(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutableRawPointer?) throws {
        defer { session.arena.reset() }
        _ = try method(session.arena, session.state)
        try check(amqp_get_rpc_reply(session.state))
    }

    func call<Answer>(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutablePointer<Answer>?) throws {
        try call { arena, state in try method(arena, state).map { UnsafeMutableRawPointer($0) } }
    }

    private func call<Answer>(_ method: (amqp_connection_state_t) -> UnsafeMutablePointer<Answer>?) throws {
        try call { _, state in method(state) }
    }

    private func check(_ status: Int32) throws {
        if status != AMQP_STATUS_OK.rawValue { throw AMQPClosed.lost(status) }
    }

    private func check(_ reply: amqp_rpc_reply_t) throws {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw session.closed(by: reply.reply, channel: number)
        default: throw AMQPClosed.lost(reply.library_error)
        }
    }
}

/// Somebody who has a channel of a connection. All is called on the connection's thread, so nothing here may wait for
/// anything but the server's answer to a question on the channel.
protocol AMQPChannelUser: AnyObject, Sendable {
    /// The channel was opened: at the beginning, and after every loss. Declares and consumes.
    ///
    /// - Throws: `AMQPClosed`. The channel is opened again a little later.
    func open(_ channel: AMQPChannel) throws

    /// Something came on the channel.
    func receive(_ event: AMQPEvent)

    /// Does what was asked for meanwhile, after each round of events, after the doorbell rang and at `deadline`; `channel`
    /// is nil while there is none.
    func work(on channel: AMQPChannel?) throws

    /// The channel or the connection was lost, or a try to connect failed.
    func lost(_ error: CeleryError)

    /// The connection was ended by ourselves: there will be no channel any more.
    func ended()

    /// Whether it has a channel, if there is a connection.
    var wantsChannel: Bool { get }

    /// When `work` is to be called at the latest, by `AMQPClock`.
    var deadline: Int64? { get }

    /// Whether an answer is waited for that should still be received before the connection is ended.
    var isBusy: Bool { get }
}

extension AMQPChannelUser {
    var wantsChannel: Bool { true }
    var deadline: Int64? { nil }
    var isBusy: Bool { false }
}
