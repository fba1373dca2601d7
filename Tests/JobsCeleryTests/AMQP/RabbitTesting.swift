import DashJSON
import Foundation
import Logging
import Testing

@testable import JobsCelery

/// Gives a running broker over the shared server, and the name of a queue that nobody else uses.
func withBroker<Result: Sendable>(
    options: RabbitOptions = RabbitOptions(),
    address: String? = nil,
    _ body: (RabbitBroker, String) async throws -> Result
) async throws -> Result {
    let url = if let address { try AMQPURL(address) } else { try await RabbitServer.shared().url }
    let broker = try RabbitBroker(url, options: options, logger: Logger(label: "rabbit"))
    return try await whileRunning(broker) { try await body(broker, "q-\(UUID().uuidString.prefix(8))") }
}

extension WorkerIdentity {
    static var sample: WorkerIdentity { WorkerIdentity(node: "dash@\(UUID().uuidString.prefix(8))", id: "x") }
}

/// A task message with every kind of header.
func sampleTask(_ queue: String, id: String = UUID().uuidString, number: Int = 0) -> RawTask {
    var task = RawTask()
    task.headers = [
        "lang": "swift", "task": "lab.add", "id": .string(id), "eta": nil, "retries": 0, "timelimit": [nil, 2.5],
        "ignore_result": false, "stamps": ["a": [1, "ä\u{0}😀"]], "large": 12_345_678_901, "number": .int(number),
    ]
    task.body = Array("[[\(number), 2], {}, {}]".utf8)
    task.routingKey = queue
    task.correlationID = id
    task.replyTo = "somebody"
    return task
}

extension RabbitBroker {
    /// How many messages wait in a queue, by taking them all.
    func count(_ queue: String) async throws -> Int {
        try await takeAll(queue, within: .milliseconds(300)).count
    }

    /// What waits in a queue: taken until nothing has come for a time.
    func takeAll(_ queue: String, within quiet: Duration) async throws -> [RawTask] {
        let consumer = try makeConsumer(.sample, queues: [queue], prefetch: 1000)
        return try await whileRunning(consumer) {
            var tasks: [RawTask] = []
            while true {
                let timer = Task {
                    try await Task.sleep(for: quiet)
                    consumer.stopFetching()
                }
                let deliveries = await consumer.fetch(upTo: 1000)
                timer.cancel()
                if deliveries.isEmpty { return tasks }
                for delivery in deliveries { await consumer.settle(delivery, as: .acknowledged) }
                tasks += deliveries.map(\.task)
            }
        }
    }
}
