import Synchronization

/// Asks how many messages wait in queues.
final class RabbitCounts: AMQPChannelUser {
    private let connection: AMQPConnection
    private let timeout: Int64
    private let state = Mutex(State())

    private struct State {
        var questions: [Question] = []
        var isOver = false
    }

    private struct Question {
        var queue: String
        var deadline: Int64
        var caller: CheckedContinuation<Int, any Error>
    }

    /// - Parameter timeout: How long a question waits for a connection, in milliseconds.
    init(_ connection: AMQPConnection, timeout: Int64) {
        self.connection = connection
        self.timeout = timeout
    }

    /// How many messages wait in a queue; none if it is not there.
    ///
    /// - Throws: `CeleryError`.
    func count(of queue: String) async throws -> Int {
        try await withCheckedThrowingContinuation { caller in
            let isOver = state.withLock { state in
                let deadline = AMQPClock.now + timeout
                if !state.isOver { state.questions.append(Question(queue: queue, deadline: deadline, caller: caller)) }
                return state.isOver
            }
            if isOver { caller.resume(throwing: Self.noConnection) } else { connection.doorbell.ring() }
        }
    }

    private static var noConnection: CeleryError { CeleryError(.unreachable, "There is no connection to RabbitMQ.") }

    // MARK: - On the connection's thread

    var deadline: Int64? { state.withLock { $0.questions.first?.deadline } }

    func open(_ channel: AMQPChannel) throws {}

    func receive(_ event: AMQPEvent) {}

    func work(on channel: AMQPChannel?) throws {
        let late = state.withLock { state in
            let now = AMQPClock.now
            let isLate = { (question: Question) in channel == nil && question.deadline <= now }
            defer { state.questions.removeAll(where: isLate) }
            return state.questions.filter(isLate)
        }
        for question in late { question.caller.resume(throwing: Self.noConnection) }
        while let channel, let question = state.withLock({ $0.questions.first }) {
            // If the connection is lost over it, it is asked on the next one.
            let answer = try Self.answer(to: question, on: channel.session)
            state.withLock { _ = $0.questions.removeFirst() }
            question.caller.resume(with: answer)
        }
    }

    private static func answer(to question: Question, on session: AMQPSession) throws -> Result<Int, any Error> {
        do {
            return .success(try session.messages(in: question.queue))
        } catch AMQPClosed.channel(AMQPSession.scratchChannel, let code, let text) {
            return .failure(AMQPClosed.error(code: code, text: text))
        }
    }

    func lost(_ error: CeleryError) {}

    func ended() {
        let questions = state.withLock { state in
            state.isOver = true
            defer { state.questions = [] }
            return state.questions
        }
        for question in questions { question.caller.resume(throwing: Self.noConnection) }
    }
}
