import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery
import Logging
import Support
import Synchronization

/// A RabbitMQ connection that reconnects automatically. A dedicated thread owns the socket and librabbitmq's state,
/// keeps up the heartbeat and serves the users of the channels. Connects when the first user is attached.
final class AMQPConnection: Sendable {
    private let url: AMQPURL
    private let name: String
    private let logger: Logger
    private let doorbell: AMQPWakeup
    private let state = Mutex(State())

    private struct State {
        var joining: [any AMQPChannelUser] = []
        var leaving: [Leaving] = []
        var isStopping = false
        var hasEnded = false
    }

    struct Leaving: Sendable {
        var user: any AMQPChannelUser
        var done: @Sendable () -> Void
    }

    /// Changes for the thread to apply.
    struct Changes {
        var joining: [any AMQPChannelUser]
        var leaving: [Leaving]
        var isStopping: Bool
    }

    /// - Parameters:
    ///   - name: The connection name that RabbitMQ shows.
    init(_ url: AMQPURL, name: String, logger: Logger) throws {
        self.url = url
        self.name = name
        self.logger = logger
        doorbell = try AMQPWakeup()
    }

    /// Stays connected until the task is cancelled or `stop()` is called. Returns when the thread has ended, which may
    /// take as long as a connection attempt in progress (`connect_timeout` of the address).
    func run() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                let isStarted = OwnThread.start(stackSize: 1 << 20) { [self] in
                    AMQPLoop(url, name: name, logger: logger, doorbell: doorbell) { self.takeChanges() }.run()
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

    /// Completes the pending operations, then closes the connection permanently.
    func stop() {
        state.withLock { $0.isStopping = true }
        doorbell.ring()
    }

    /// Wakes the thread to perform pending work of the users.
    func wake() { doorbell.ring() }

    /// Opens a channel for `user`, and reopens it after each loss.
    func attach(_ user: any AMQPChannelUser) {
        let isLate = state.withLock { state in
            if !state.hasEnded { state.joining.append(user) }
            return state.hasEnded
        }
        if isLate { user.ended() } else { doorbell.ring() }
    }

    /// Closes the user's channel after its pending work.
    func detach(_ user: any AMQPChannelUser) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let isLate = state.withLock { state in
                if !state.hasEnded { state.leaving.append(Leaving(user: user) { done.resume() }) }
                return state.hasEnded
            }
            if isLate { done.resume() } else { doorbell.ring() }
        }
    }

    private func takeChanges() -> Changes {
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

/// A channel of a session. Used on the connection's thread only; calls block it until the server responds.
///
/// All methods throw `AMQPClosed`.
struct AMQPChannel {
    let session: AMQPSession
    let number: UInt16

    func open() throws {
        try call { amqp_channel_open($0, number) }
    }

    func close() throws {
        try session.close(channel: number)
    }

    /// Enables publisher confirms on this channel.
    func confirmPublishes() throws {
        try call { amqp_confirm_select($0, number) }
    }

    /// Limits the unsettled deliveries of the whole channel, or of each consumer that starts from now on.
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

    /// Publishes a message.
    ///
    /// - Throws: `CeleryError`, without sending anything, if the message does not fit into RabbitMQ's frames.
    func publish(_ task: BrokerMessage, mandatory: Bool) throws {
        try session.send { arena, state in
            try task.checkNames()
            var properties = try amqp_basic_properties_t(task, in: arena)
            let (exchange, key) = (arena.bytes(task.exchange), arena.bytes(task.routingKey))
            return task.body.withUnsafeBytes { body in
                let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                return amqp_basic_publish(state, number, exchange, key, mandatory ? 1 : 0, 0, &properties, bytes)
            }
        }
    }

    /// Acknowledges a delivery, or with `multiple` all deliveries up to it.
    func acknowledge(_ delivery: UInt64, multiple: Bool) throws {
        try session.send { _, state in amqp_basic_ack(state, number, delivery, multiple ? 1 : 0) }
    }

    /// Rejects a delivery; `requeue` returns it to its queue.
    func reject(_ delivery: UInt64, requeue: Bool) throws {
        try session.send { _, state in amqp_basic_reject(state, number, delivery, requeue ? 1 : 0) }
    }

    /// Sends a method and waits for the server's response.
    func call<Answer>(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutablePointer<Answer>?) throws {
        try session.call(on: number, method)
    }

    private func call<Answer>(_ method: (amqp_connection_state_t) -> UnsafeMutablePointer<Answer>?) throws {
        try call { _, state in method(state) }
    }
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

    /// The latest time of the next `work` call, by `AMQPClock`.
    var deadline: Int64? { get }

    /// Whether a response is outstanding that should be received before the connection is closed.
    var isBusy: Bool { get }
}

extension AMQPChannelUser {
    var wantsChannel: Bool { true }
    var deadline: Int64? { nil }
    var isBusy: Bool { false }
}
