import Testing

@testable import JobsCelery

@Suite("Ends that are told to one Redis")
struct RedisExpressTests {
    /// A worker's end of a Redis that is not there.
    private func express() throws -> RedisBatchAck {
        let broker = RedisBroker(try RedisURL("redis://127.0.0.1:1/0"), logger: .quiet)
        let worker = WorkerIdentity(node: "w@test", id: "w@test.1")
        let consumer = broker.makeConsumer(worker, queues: ["q"], prefetch: 1)
        let results = RedisResults(redis: broker.client, subscriber: broker.subscriber)
        return try #require(consumer.express(to: results))
    }

    @Test("F11: what has nothing to say to Redis does not wait for one that is away")
    func nothing() async throws {
        let express = try express()
        let delivery = Delivery(tag: "a", queue: "q", task: BrokerMessage())
        let rest = try await express.tell([TaskCompletion(delivery, .returned), TaskCompletion(delivery, nil)])
        #expect(rest.map(\.settlement) == [.returned])
    }
}
