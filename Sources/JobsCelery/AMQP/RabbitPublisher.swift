import Logging
import NIOCore
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
    func publish(_ task: BrokerMessage, as kind: PublisherState.Kind) async throws {
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
        _ task: BrokerMessage,
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
                state.messages.returnToQueue(task, reason: reason)
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

/// What a publisher has to send and what it waits for, without any I/O. Each message ends by exactly one outcome.
struct PublisherState {
    /// A message on its way.
    struct Publishing {
        var ticket: Int
        var task: BrokerMessage
        var kind: Kind
        var deadline: Int64
    }

    enum Kind {
        /// Into its queue, which is declared first.
        case queued
        /// To whom it may concern: nobody is no error.
        case broadcast
        /// To all who listen, of whom there has to be one.
        case question
    }

    struct Outcome {
        var ticket: Int
        var error: CeleryError?
    }

    private var waiting = CircularBuffer<Publishing>()
    private var sent: [UInt64: Publishing] = [:]
    /// The oldest message that is not confirmed.
    private var oldest: UInt64 = 1
    private var nextNumber: UInt64 = 1
    /// Why those sent were given back, by their numbers.
    private var returned: [UInt64: String] = [:]
    /// The newest trouble with the connection.
    private var trouble: CeleryError?
    private var hasEnded = false

    /// So many messages may be unconfirmed at once.
    static let mostUnconfirmed = 2048

    var isBusy: Bool { !waiting.isEmpty || !sent.isEmpty }
    /// Whether there is something to send and room for it.
    var canSend: Bool { !waiting.isEmpty && sent.count < Self.mostUnconfirmed }

    /// When the first of those that wait has waited too long.
    var deadline: Int64? {
        [waiting.first?.deadline, sent[oldest]?.deadline].compactMap(\.self).min()
    }

    /// Takes a message in; its outcome if it is known at once.
    mutating func add(_ publishing: Publishing) -> Outcome? {
        guard !hasEnded else { return Outcome(ticket: publishing.ticket, error: Self.stopped) }
        if let trouble, trouble.code == .refused || trouble.code == .option {
            return Outcome(ticket: publishing.ticket, error: trouble)
        }
        waiting.append(publishing)
        return nil
    }

    /// The next messages to send.
    mutating func take(upTo limit: Int) -> [Publishing] {
        let count = max(0, min(limit, waiting.count, Self.mostUnconfirmed - sent.count))
        return (0..<count).map { _ in waiting.removeFirst() }
    }

    /// Takes back what was not sent after all; it is the first to be sent.
    mutating func putBack(_ publishings: [Publishing]) {
        for publishing in publishings.reversed() { waiting.prepend(publishing) }
    }

    /// Notes that a message was sent on the channel.
    mutating func didSend(_ publishing: Publishing) {
        sent[nextNumber] = publishing
        nextNumber += 1
    }

    /// The server confirmed (or refused) a message, or all up to it.
    mutating func confirm(_ number: UInt64, multiple: Bool, isRefused: Bool) -> [Outcome] {
        guard number >= oldest else { return [] }
        let numbers = multiple ? oldest...number : number...number
        let outcomes = numbers.compactMap { number -> Outcome? in
            guard let publishing = sent.removeValue(forKey: number) else { return nil }
            let reason = returned.removeValue(forKey: number)
            return Outcome(ticket: publishing.ticket, error: Self.error(publishing, reason, isRefused: isRefused))
        }
        moveOldest()
        return outcomes
    }

    private mutating func moveOldest() {
        while oldest < nextNumber, sent[oldest] == nil { oldest += 1 }
    }

    private static func error(_ publishing: Publishing, _ returned: String?, isRefused: Bool) -> CeleryError? {
        let queue = publishing.task.routingKey
        if isRefused {
            return CeleryError(
                .server,
                "RabbitMQ could not take the message for \(queue): the queue is full or in trouble."
            )
        }
        guard let returned, publishing.kind != .broadcast else { return nil }
        guard publishing.kind == .queued else { return CeleryError(.server, "Nobody listens: \(returned)") }
        return CeleryError(.server, "RabbitMQ has no queue for the message to \(queue): \(returned)")
    }

    /// A message came back because no queue wanted it; its confirmation follows. The server does not say which one it was:
    /// it is found by what it says.
    mutating func returnToQueue(_ task: BrokerMessage, reason: String) {
        var number = oldest
        while number < nextNumber {
            if let one = sent[number]?.task, returned[number] == nil, one.routingKey == task.routingKey,
                one.exchange == task.exchange, one.correlationID == task.correlationID, one.body == task.body
            {
                returned[number] = reason
                return
            }
            number += 1
        }
    }

    /// A caller waits no more. A message that was not sent yet is not sent.
    mutating func forget(_ ticket: Int) {
        if let place = waiting.firstIndex(where: { $0.ticket == ticket }) { waiting.remove(at: place) }
    }

    /// The channel is gone: nobody knows what became of what was sent and not confirmed. What was not sent waits on, unless
    /// the server will not have us.
    mutating func lost(_ error: CeleryError) -> [Outcome] {
        trouble = error
        let unknown = CeleryError(
            .connectionLost,
            "The connection to RabbitMQ was lost before it confirmed a message; it may be there or not.",
            cause: error
        )
        var outcomes = sent.values.map { Outcome(ticket: $0.ticket, error: unknown) }
        if error.code == .refused || error.code == .option {
            outcomes += waiting.map { Outcome(ticket: $0.ticket, error: error) }
            waiting.removeAll()
        }
        (sent, returned, oldest, nextNumber) = ([:], [:], 1, 1)
        return outcomes
    }

    /// A new channel: the server counts from 1 again.
    mutating func opened() {
        trouble = nil
    }

    mutating func end() -> [Outcome] {
        hasEnded = true
        let outcomes = lost(CeleryError(.connectionLost, "The connection was ended."))
        defer { waiting.removeAll() }
        return outcomes + waiting.map { Outcome(ticket: $0.ticket, error: Self.stopped) }
    }

    /// Those that have waited too long.
    ///
    /// - Parameter blocked: Why the server takes no messages, if it does not.
    mutating func expire(now: Int64, blocked: String?) -> [Outcome] {
        var outcomes: [Outcome] = []
        while let first = waiting.first, first.deadline <= now {
            let why =
                blocked.map { "RabbitMQ takes no messages at the moment: \($0)" }
                ?? trouble?.message ?? "There is no connection to RabbitMQ."
            outcomes.append(Outcome(ticket: first.ticket, error: CeleryError(.unreachable, why)))
            waiting.removeFirst()
        }
        while let first = sent[oldest], first.deadline <= now {
            let error = CeleryError(
                .connectionLost,
                "RabbitMQ did not confirm a message in time; it may be there or not."
            )
            outcomes.append(Outcome(ticket: first.ticket, error: error))
            sent[oldest] = nil
            moveOldest()
        }
        return outcomes
    }

    private static let stopped = CeleryError(.unreachable, "The connection to RabbitMQ was ended by this process.")
}
