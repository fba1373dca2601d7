import DashJSON
import Support

/// The answers to something that all workers were asked: a queue of our own, for as long as we listen.
final class ControlAnswers: AMQPChannelUser {
    let id: String
    private let heard: @Sendable (RawTask) -> Void
    private let opened = AsyncLatch<Void>()

    init(_ id: String, _ heard: @escaping @Sendable (RawTask) -> Void) {
        self.id = id
        self.heard = heard
    }

    /// Waits until there is the queue, or the task is cancelled.
    func ready() async { await opened.passed() }

    func open(_ channel: AMQPChannel) throws {
        _ = try channel.session.declare(RabbitTopology.replyQueue(id))
        try channel.consume(RabbitTopology.replyQueueName(id), tag: "answers", acknowledges: false)
        opened.open()
    }

    func receive(_ event: AMQPEvent) {
        if case .delivered(let message) = event { heard(message.task) }
    }

    func work(on channel: AMQPChannel?) throws {}

    func lost(_ error: CeleryError) {}

    func ended() { opened.open() }
}

extension RabbitBroker {
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (RawTask) -> Void
    ) async throws {
        let answers = ControlAnswers(UniqueID.random().text, heard)
        let result = await listening(to: answers) {
            await answers.ready()
            var message = request.answered(at: answers.id).message()
            (message.exchange, message.routingKey) = ("celery.pidbox", "")
            do {
                try await self.publisher.publish(message, as: .question)
            } catch let error as CeleryError where error.code == .server {
                // It came back: nobody listens.
                return sent()
            }
            sent()
            // RabbitMQ does not tell how many listen, so all have the time that Celery gives them.
            try? await Task.sleep(for: time)
        }
        try result.get()
    }

    private func listening(
        to answers: ControlAnswers,
        _ body: () async throws -> Void
    ) async -> Result<Void, any Error> {
        receiving.attach(answers)
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await receiving.detach(answers)
        return result
    }
}
