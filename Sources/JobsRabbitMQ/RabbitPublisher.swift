import CeleryProtocol
import JobsCelery
import Logging
import NIOCore
import Synchronization

/// Publishes messages with publisher confirms; many may be in flight at once.
final class RabbitPublisher: AMQPChannelUser {
    private let options: RabbitOptions
    private let connection: AMQPConnection
    private let state = Mutex(State())

    private struct State {
        var messages = PublisherState()
        var callers: [Int: CheckedContinuation<Void, any Error>] = [:]
        var nextTicket = 0
        /// Queues and exchanges known to exist, on the current connection.
        var declared: Set<String> = []
    }

    /// The most messages sent before events are received.
    private static let messagesPerTurn = 256

    init(_ connection: AMQPConnection, options: RabbitOptions) {
        self.connection = connection
        self.options = options
    }

    /// Publishes a message; returns when the server has confirmed it.
    ///
    /// - Throws: `CeleryError`: `.unreachable` (not sent), `.connectionLost` (unknown), `.server` (rejected, or no
    ///   queue); `CancellationError` if the task is cancelled, in which case the message may have been sent.
    func publish(_ task: BrokerMessage, as kind: PublisherState.Kind) async throws {
        for name in [task.exchange, task.routingKey] { try AMQPName.check(name) }
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Void, any Error>) in
                guard !Task.isCancelled else { return caller.resume(throwing: CancellationError()) }
                let deadline = AMQPClock.now + options.publishTimeout
                change { state in
                    state.callers[ticket] = caller
                    let outcome = state.messages.add(.init(ticket: ticket, task: task, kind: kind, deadline: deadline))
                    return [outcome].compactMap(\.self)
                }
                connection.wake()
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func cancel(_ ticket: Int) {
        let caller = state.withLock { state in
            state.messages.forget(ticket)
            return state.callers.removeValue(forKey: ticket)
        }
        caller?.resume(throwing: CancellationError())
    }

    /// Changes the state and resumes the callers of the outcomes.
    private func change(_ body: (inout State) -> [PublisherState.Outcome]) {
        let done = state.withLock { state in
            body(&state).map { (caller: state.callers.removeValue(forKey: $0.ticket), error: $0.error) }
        }
        for (caller, error) in done { caller?.resume(with: error.map { .failure($0) } ?? .success(())) }
    }

    // MARK: - On the connection's thread

    var deadline: Int64? { state.withLock { $0.messages.deadline } }
    var isBusy: Bool { state.withLock { $0.messages.isBusy } }

    func open(_ channel: AMQPChannel) throws {
        try channel.session.declare([RabbitTopology.control, RabbitTopology.replies])
        try channel.confirmPublishes()
        state.withLock { state in
            state.messages.opened()
            state.declared = ["x:", "x:celery.pidbox", "x:reply.celery.pidbox"]
        }
    }

    func receive(_ event: AMQPEvent) {
        switch event {
        case .confirmed(let number, let multiple):
            change { $0.messages.confirm(number, multiple: multiple, isRefused: false) }
        case .refused(let number, let multiple):
            change { $0.messages.confirm(number, multiple: multiple, isRefused: true) }
        case .returned(let task, let reason):
            state.withLock { state in
                state.messages.returnToQueue(task, reason: reason)
                // The queue was deleted: declare it again for the next message.
                state.declared.remove("q:" + task.routingKey)
            }
        case .delivered, .consumerCancelled: break
        }
    }

    func work(on channel: AMQPChannel?) throws {
        let blocked = channel?.session.blocked
        if let channel, blocked == nil { try send(on: channel) }
        if let deadline, deadline <= AMQPClock.now {
            change { $0.messages.expire(now: AMQPClock.now, blocked: blocked) }
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
            // Unsent messages wait for the next channel; the server ignores an incomplete message.
            state.withLock { $0.messages.putBack(Array(batch[place...])) }
            throw error
        }
        if state.withLock({ $0.messages.canSend }) { connection.wake() }
    }

    private func send(_ message: PublisherState.Publishing, on channel: AMQPChannel) throws {
        do {
            try declare(for: message, on: channel.session)
            try channel.publish(message.task, mandatory: message.kind != .broadcast)
            state.withLock { $0.messages.didSend(message) }
        } catch let error as CeleryError {
            change { _ in [.init(ticket: message.ticket, error: error)] }
        } catch let closed as AMQPClosed where closed.channel == AMQPSession.scratchChannel {
            change { _ in [.init(ticket: message.ticket, error: closed.error)] }
        }
    }

    /// Declares the message's queue, as Celery's producers do, or checks its exchange, because the server closes the
    /// channel if the exchange of a message does not exist.
    private func declare(for message: PublisherState.Publishing, on session: AMQPSession) throws {
        let task = message.task
        let isQueue = task.exchange.isEmpty && message.kind == .queued
        let name = isQueue ? "q:" + task.routingKey : "x:" + task.exchange
        if state.withLock({ $0.declared.contains(name) }) { return }
        if isQueue {
            try session.declare(options.declarations(task.routingKey))
        } else {
            try session.expect(exchange: task.exchange)
        }
        state.withLock { _ = $0.declared.insert(name) }
    }

    func lost(_ error: CeleryError) {
        change { $0.messages.lost(error) }
    }

    func ended() {
        change { $0.messages.end() }
    }
}

/// Publishes events, unconfirmed. Events that cannot be sent immediately are dropped: they are worthless later.
final class RabbitEvents: AMQPChannelUser {
    private let connection: AMQPConnection
    private let logger: Logger
    /// The events to send; nil without a channel.
    private let waiting = Mutex<[BrokerMessage]?>(nil)

    /// The most events queued for the thread; further ones are dropped.
    private static let most = 2000

    init(_ connection: AMQPConnection, _ logger: Logger) {
        self.connection = connection
        self.logger = logger
    }

    /// Queues an event. Does not wait.
    func publish(_ event: BrokerMessage) {
        waiting.withLock { if let count = $0?.count, count < Self.most { $0?.append(event) } }
        connection.wake()
    }

    func open(_ channel: AMQPChannel) throws {
        try channel.session.declare([RabbitTopology.events])
        waiting.withLock { $0 = [] }
    }

    func work(on channel: AMQPChannel?) throws {
        guard let channel else { return }
        let events = waiting.withLock { events in
            defer { events = [] }
            return events ?? []
        }
        for event in events where channel.session.blocked == nil {
            do {
                try channel.publish(event, mandatory: false)
            } catch let error as CeleryError {
                logger.debug("Could not send an event: \(error)")
            }
        }
    }

    func lost(_ error: CeleryError) {
        waiting.withLock { $0 = nil }
    }

    func ended() {
        waiting.withLock { $0 = nil }
    }
}

/// The pending and unconfirmed messages of a publisher. Performs no I/O. Each message has exactly one outcome.
struct PublisherState {
    struct Publishing {
        var ticket: Int
        var task: BrokerMessage
        var kind: Kind
        var deadline: Int64
    }

    enum Kind {
        /// To its queue, which is declared first.
        case queued
        /// To all listeners; none is not an error.
        case broadcast
        /// To all listeners, of which there must be at least one.
        case question
    }

    struct Outcome {
        var ticket: Int
        var error: CeleryError?
    }

    private var waiting = CircularBuffer<Publishing>()
    private var sent: [UInt64: Publishing] = [:]
    /// The number of the oldest unconfirmed message.
    private var oldest: UInt64 = 1
    private var nextNumber: UInt64 = 1
    /// Why messages were returned, by number.
    private var returned: [UInt64: String] = [:]
    /// The last connection error.
    private var trouble: CeleryError?
    /// Why no message is accepted: the server refuses the connection, or this process closed it.
    private var refusal: CeleryError?

    /// The limit of unconfirmed messages.
    static let mostUnconfirmed = 2048

    var isBusy: Bool { !waiting.isEmpty || !sent.isEmpty }
    var canSend: Bool { !waiting.isEmpty && sent.count < Self.mostUnconfirmed }

    /// The earliest deadline.
    var deadline: Int64? {
        [waiting.first?.deadline, sent[oldest]?.deadline].compactMap(\.self).min()
    }

    /// Adds a message; returns its outcome if that is known immediately.
    mutating func add(_ publishing: Publishing) -> Outcome? {
        if let refusal { return Outcome(ticket: publishing.ticket, error: refusal) }
        waiting.append(publishing)
        return nil
    }

    /// Takes the next messages to send.
    mutating func take(upTo limit: Int) -> [Publishing] {
        let count = max(0, min(limit, waiting.count, Self.mostUnconfirmed - sent.count))
        return (0..<count).map { _ in waiting.removeFirst() }
    }

    /// Puts unsent messages back to the front.
    mutating func putBack(_ publishings: [Publishing]) {
        for publishing in publishings.reversed() { waiting.prepend(publishing) }
    }

    /// Records a message as sent on the channel.
    mutating func didSend(_ publishing: Publishing) {
        sent[nextNumber] = publishing
        nextNumber += 1
    }

    /// The server confirmed or rejected a message, or with `multiple` all up to it.
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
            return CeleryError(.server, "RabbitMQ rejected the message for \(queue): the queue is full or unavailable.")
        }
        guard let returned, publishing.kind != .broadcast else { return nil }
        guard publishing.kind == .queued else { return CeleryError(.server, "No worker is listening: \(returned)") }
        return CeleryError(.server, "RabbitMQ has no queue for the message to \(queue): \(returned)")
    }

    /// A message was returned as unroutable; its confirmation follows. The server does not send its number, so it is
    /// found by its content.
    mutating func returnToQueue(_ task: BrokerMessage, reason: String) {
        let number = (oldest..<nextNumber).first { number in
            guard let one = sent[number]?.task, returned[number] == nil else { return false }
            return one.routingKey == task.routingKey && one.exchange == task.exchange
                && one.correlationID == task.correlationID && one.body == task.body
        }
        if let number { returned[number] = reason }
    }

    /// A caller was cancelled: drops its message unless it was sent.
    mutating func forget(_ ticket: Int) {
        if let place = waiting.firstIndex(where: { $0.ticket == ticket }) { waiting.remove(at: place) }
    }

    /// The channel was lost: the outcome of unconfirmed messages is unknown. Unsent messages keep waiting, unless the
    /// server refuses the connection.
    mutating func lost(_ error: CeleryError, refusal: CeleryError? = nil) -> [Outcome] {
        trouble = error
        self.refusal = refusal ?? (error.code == .refused || error.code == .option ? error : nil)
        let unknown = CeleryError(
            .connectionLost,
            "The connection to RabbitMQ was lost before it confirmed a message, which may or may not be in its queue.",
            cause: error
        )
        var outcomes = sent.values.map { Outcome(ticket: $0.ticket, error: unknown) }
        if let refusal = self.refusal {
            outcomes += waiting.map { Outcome(ticket: $0.ticket, error: refusal) }
            waiting.removeAll()
        }
        (sent, returned, oldest, nextNumber) = ([:], [:], 1, 1)
        return outcomes
    }

    /// A new channel was opened.
    mutating func opened() {
        (trouble, refusal) = (nil, nil)
    }

    mutating func end() -> [Outcome] {
        let refusal = CeleryError(.unreachable, "This process closed the connection to RabbitMQ.")
        return lost(CeleryError(.connectionLost, "The connection was closed."), refusal: refusal)
    }

    /// Fails the messages whose deadline has passed.
    ///
    /// - Parameter blocked: Why the server does not accept messages; nil if it does.
    mutating func expire(now: Int64, blocked: String?) -> [Outcome] {
        var outcomes: [Outcome] = []
        while let first = waiting.first, first.deadline <= now {
            let why =
                blocked.map { "RabbitMQ does not accept messages at present: \($0)" }
                ?? trouble?.message ?? "Not connected to RabbitMQ."
            outcomes.append(Outcome(ticket: first.ticket, error: CeleryError(.unreachable, why)))
            waiting.removeFirst()
        }
        while let first = sent[oldest], first.deadline <= now {
            let error = CeleryError(
                .connectionLost,
                "RabbitMQ did not confirm a message in time; the message may or may not be in its queue."
            )
            outcomes.append(Outcome(ticket: first.ticket, error: error))
            sent[oldest] = nil
            moveOldest()
        }
        return outcomes
    }
}
