import Logging
import Synchronization

/// Sends messages on a channel whose server confirms each; many are on their way at once.
final class RabbitPublisher: AMQPChannelUser {
    private let options: RabbitOptions
    private let logger: Logger
    private let connection: AMQPConnection
    private let state = Mutex(State())

    private struct State {
        var messages = PublisherState()
        var callers: [Int: CheckedContinuation<Void, any Error>] = [:]
        var nextTicket = 0
        /// Queues and exchanges that are there for sure, on the present connection.
        var declared: Set<String> = []

        /// Those to be told, with what.
        mutating func callers(of outcomes: [PublisherState.Outcome]) -> [Call] {
            outcomes.compactMap { outcome in
                callers.removeValue(forKey: outcome.ticket).map { Call(caller: $0, error: outcome.error) }
            }
        }
    }

    private struct Call {
        var caller: CheckedContinuation<Void, any Error>
        var error: (any Error)?

        func answer() {
            if let error { caller.resume(throwing: error) } else { caller.resume() }
        }
    }

    /// Sent between two looks at what the server says.
    private static let messagesPerTurn = 256

    init(_ connection: AMQPConnection, options: RabbitOptions, logger: Logger) {
        self.connection = connection
        self.options = options
        self.logger = logger
    }

    /// Sends a message; returns when the server has it.
    ///
    /// - Throws: `CeleryError`: `.unreachable` (not sent), `.connectionLost` (nobody knows), `.server` (refused, or no queue);
    ///   `CancellationError` when the task is cancelled: then it may have been sent.
    func publish(_ task: RawTask, as kind: PublisherState.Kind) async throws {
        try task.checkNames()
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { caller in
                add(task, kind, ticket: ticket, caller)
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func add(
        _ task: RawTask,
        _ kind: PublisherState.Kind,
        ticket: Int,
        _ caller: CheckedContinuation<Void, any Error>
    ) {
        guard !Task.isCancelled else { return caller.resume(throwing: CancellationError()) }
        let deadline = AMQPClock.now + options.publishTimeout
        let calls = state.withLock { state in
            state.callers[ticket] = caller
            let outcome = state.messages.add(.init(ticket: ticket, task: task, kind: kind, deadline: deadline))
            return state.callers(of: outcome.map { [$0] } ?? [])
        }
        if calls.isEmpty { connection.doorbell.ring() }
        for call in calls { call.answer() }
    }

    private func cancel(_ ticket: Int) {
        let caller = state.withLock { state in
            state.messages.forget(ticket)
            return state.callers.removeValue(forKey: ticket)
        }
        caller?.resume(throwing: CancellationError())
    }

    private func change(_ body: (inout PublisherState) -> [PublisherState.Outcome]) {
        let calls = state.withLock { state in state.callers(of: body(&state.messages)) }
        for call in calls { call.answer() }
    }

    // MARK: - On the connection's thread

    var deadline: Int64? { state.withLock { $0.messages.deadline } }
    var isBusy: Bool { state.withLock { $0.messages.isBusy } }

    func open(_ channel: AMQPChannel) throws {
        for difference in try channel.session.declare([RabbitTopology.control, RabbitTopology.replies]) {
            logger.warning("\(difference)")
        }
        try channel.confirmPublishes()
        state.withLock { state in
            state.messages.opened()
            state.declared = ["x:", "x:celery.pidbox", "x:reply.celery.pidbox"]
        }
    }

    func receive(_ event: AMQPEvent) {
        switch event {
        case .confirmed(let number, let multiple):
            change { $0.confirm(number, multiple: multiple, isRefused: false) }
        case .refused(let number, let multiple):
            change { $0.confirm(number, multiple: multiple, isRefused: true) }
        case .returned(let task, let reason):
            state.withLock { state in
                state.messages.giveBack(task, reason: reason)
                // The queue was deleted meanwhile: it is declared again for the next message.
                state.declared.remove("q:" + task.routingKey)
            }
        case .delivered, .consumerCancelled: break
        }
    }

    func work(on channel: AMQPChannel?) throws {
        let blocked = channel?.session.blocked
        if let channel, blocked == nil { try send(on: channel) }
        if let deadline, deadline <= AMQPClock.now {
            change { $0.expire(now: AMQPClock.now, blocked: blocked) }
        }
    }

    private func send(on channel: AMQPChannel) throws {
        let batch = state.withLock { $0.messages.take(upTo: Self.messagesPerTurn) }
        guard !batch.isEmpty else { return }
        var place = 0
        do {
            if batch.count > 1 { channel.session.cork(true) }
            defer { if batch.count > 1 { channel.session.cork(false) } }
            while place < batch.count {
                try send(batch[place], on: channel)
                place += 1
            }
        } catch {
            // What was taken and not sent waits for the next channel; half a message is none for the server.
            state.withLock { $0.messages.putBack(Array(batch[place...])) }
            throw error
        }
        if state.withLock({ $0.messages.canSend }) { connection.doorbell.ring() }
    }

    private func send(_ message: PublisherState.Publishing, on channel: AMQPChannel) throws {
        do {
            try declare(for: message, on: channel.session)
            try channel.publish(message.task, mandatory: message.kind != .broadcast)
            state.withLock { $0.messages.didSend(message) }
        } catch let error as CeleryError {
            change { _ in [.init(ticket: message.ticket, error: error)] }
        } catch AMQPClosed.channel(AMQPSession.scratchChannel, let code, let text) {
            let error = AMQPClosed.error(code: code, text: text)
            change { _ in [.init(ticket: message.ticket, error: error)] }
        }
    }

    /// Sees to it that the message's queue is there, as Celery's producers do; or its exchange, because a message to an
    /// exchange that is not there would cost the channel.
    private func declare(for message: PublisherState.Publishing, on session: AMQPSession) throws {
        let task = message.task
        let isQueue = task.exchange.isEmpty && message.kind == .queued
        let name = isQueue ? "q:" + task.routingKey : "x:" + task.exchange
        if state.withLock({ $0.declared.contains(name) }) { return }
        if isQueue {
            for difference in try session.declare(options.queue(task.routingKey).declarations(task.routingKey)) {
                logger.warning("\(difference)")
            }
        } else {
            try session.expect(exchange: task.exchange)
        }
        state.withLock { _ = $0.declared.insert(name) }
    }

    func lost(_ error: CeleryError) {
        change { $0.lost(error) }
    }

    func ended() {
        change { $0.end() }
    }
}
