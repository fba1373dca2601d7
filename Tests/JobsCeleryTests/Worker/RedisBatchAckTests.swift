import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Results and acknowledgements on one Redis")
struct RedisBatchAckTests {
    @Test("F11: a report without a request does not wait for an unreachable Redis")
    func nothing() async throws {
        let broker = RedisBroker(try RedisURL("redis://127.0.0.1:1/0"), logger: .quiet)
        let worker = WorkerIdentity(node: "w@test", id: "w@test.1")
        let consumer = broker.makeConsumer(worker, queues: ["q"], prefetch: 1)
        let delivery = Delivery(tag: "a", queue: "q", task: BrokerMessage())
        let completions = [TaskCompletion(delivery, .returned), TaskCompletion(delivery, nil)]
        let rest = try await consumer.report(completions, to: RedisResults(redis: broker.client))
        #expect(rest.map(\.settlement) == [.returned])
    }
}
