import DashJSON
import Testing

@testable import JobsCelery

@Suite("A broker over RabbitMQ", .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot), .timeLimit(.minutes(2)))
struct RabbitBrokerTests {
    @Test("A message that was published is delivered as it was, and gone when it is acknowledged")
    func deliversWhatWasPublished() async throws {
        try await withBroker { broker, queue in
            let task = sampleTask(queue)
            try await broker.publish(task)
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 4)
            try await whileRunning(consumer) {
                let deliveries = await consumer.fetch(upTo: 10)
                #expect(deliveries.map(\.task) == [task])
                #expect(deliveries.map(\.queue) == [queue])
                #expect(deliveries.map(\.isRedelivered) == [false])
                for delivery in deliveries { await consumer.settle(delivery, as: .acknowledged) }
            }
            #expect(try await broker.count(queue) == 0)
        }
    }
}
