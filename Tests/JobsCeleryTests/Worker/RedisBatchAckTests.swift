import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Results and acknowledgements on one Redis")
struct RedisBatchAckTests {
    /// For a Redis that is not reachable.
    private func batchAck() throws -> RedisBatchAck {
        let broker = RedisBroker(try RedisURL("redis://127.0.0.1:1/0"), logger: .quiet)
        let worker = WorkerIdentity(node: "w@test", id: "w@test.1")
        let consumer = broker.makeConsumer(worker, queues: ["q"], prefetch: 1)
        let results = RedisResults(redis: broker.client, subscriber: broker.subscriber)
        return try #require(consumer.batchAck(with: results))
    }

    @Test("F11: without a request there is no wait for an unreachable Redis")
    func nothing() async throws {
        let batchAck = try batchAck()
        let delivery = Delivery(tag: "a", queue: "q", task: BrokerMessage())
        let rest = try await batchAck.report([TaskCompletion(delivery, .returned), TaskCompletion(delivery, nil)])
        #expect(rest.map(\.settlement) == [.returned])
    }
}
