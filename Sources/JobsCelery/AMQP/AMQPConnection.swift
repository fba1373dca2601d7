import Logging
import Support
import Synchronization

/// A connection to RabbitMQ that mends itself: a thread of its own owns the socket and librabbitmq's state, answers signs
/// of life whatever else happens, and serves the users of its channels. It connects when there is a first user.
final class AMQPConnection: Sendable {
    let url: AMQPURL
    let name: String
    let logger: Logger
    let doorbell: AMQPDoorbell
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
        doorbell = try AMQPDoorbell()
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
