import NIOCore

/// What a publisher has to send and what it waits for, without any I/O. Each message ends by exactly one outcome.
struct PublisherState {
    /// A message on its way.
    struct Publishing {
        var ticket: Int
        var task: RawTask
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
    mutating func giveBack(_ task: RawTask, reason: String) {
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
