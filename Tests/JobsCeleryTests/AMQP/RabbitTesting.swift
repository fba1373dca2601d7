import DashJSON
import Foundation
import Logging
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

/// The `CeleryError` that `body` throws; nil if it succeeds or throws another error.
func celeryError(of body: () async throws -> Void) async -> CeleryError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? CeleryError
    }
}

/// Expects that `body` throws a `CeleryError` with this code.
func expect(
    _ code: CeleryError.Code,
    at place: SourceLocation = #_sourceLocation,
    of body: () async throws -> Void
) async {
    let error = await celeryError(of: body)
    #expect(error?.code == code, sourceLocation: place)
}

/// Runs `body` with a running broker on the shared server and the name of an unused queue.
@discardableResult
func withBroker<Result: Sendable>(
    options: RabbitOptions = .patient,
    address: String? = nil,
    _ body: (RabbitBroker, String) async throws -> Result
) async throws -> Result {
    let url = if let address { try AMQPURL(address) } else { try await RabbitServer.shared().url.patient }
    let broker = try RabbitBroker(url, options: options, logger: .quiet)
    return try await whileRunning(broker) { try await body(broker, "q-\(UUID().uuidString.prefix(8))") }
}

/// Declares a quorum queue, as Python does with `task_default_queue_type="quorum"`.
func declareQuorumQueue(_ name: String) async throws {
    let url = try await RabbitServer.shared().url.patient
    let session = try AMQPSession(url, name: "test", logger: .quiet)
    try session.declare([.queue(name, isDurable: true, arguments: ["x-queue-type": "quorum"])])
    session.close(within: 10)
}

extension WorkerIdentity {
    static var sample: WorkerIdentity { WorkerIdentity(node: "dash@\(UUID().uuidString.prefix(8))", id: "x") }
}

/// A task message with every kind of header.
func sampleTask(_ queue: String, id: String = UUID().uuidString, number: Int = 0) -> BrokerMessage {
    var task = BrokerMessage()
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

/// A message to an exchange.
func sampleMessage(_ exchange: String, key: String = "", body: [UInt8] = []) -> BrokerMessage {
    var message = BrokerMessage()
    (message.exchange, message.routingKey, message.body) = (exchange, key, body)
    return message
}

/// Collects the IDs seen by concurrent tasks.
final class Seen: Sendable {
    private let state = Mutex<[String]>([])
    let goal: Int

    init(_ goal: Int) {
        self.goal = goal
    }

    var ids: [String] { state.withLock { $0 } }

    /// Adds IDs; returns whether all have been seen.
    func add(_ ids: [String]) -> Bool {
        state.withLock { state in
            state += ids
            return Set(state).count >= goal
        }
    }
}

extension CeleryConsumer {
    /// Fetches this number of deliveries, in one or several batches.
    func take(_ count: Int) async -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count {
            let more = await fetch(upTo: count - deliveries.count)
            if more.isEmpty { return deliveries }
            deliveries += more
        }
        return deliveries
    }

    /// Expects an empty queue: the next delivery is a message published now.
    func expectNothing(
        in queue: String,
        _ broker: RabbitBroker,
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let last = UUID().uuidString
        try await broker.publish(sampleTask(queue, id: last))
        let next = await take(1)
        #expect(next.map(\.task.correlationID) == [last], sourceLocation: place)
        for delivery in next { await settle(delivery, as: .acknowledged) }
    }

    /// Acknowledges deliveries until all IDs have been seen, here or by the others; then stops the others.
    func settleAll(_ seen: Seen, beside others: [any CeleryConsumer]) async {
        while true {
            let deliveries = await fetch(upTo: 5)
            for delivery in deliveries.shuffled() { await settle(delivery, as: .acknowledged) }
            if deliveries.isEmpty { return }
            if seen.add(deliveries.map { $0.task.correlationID ?? "" }) {
                for other in others { other.stopFetching() }
                return
            }
        }
    }
}

extension RabbitBroker {
    /// Takes all messages of a queue; returns their number.
    func count(_ queue: String) async throws -> Int {
        try await takeAll(queue).count
    }

    /// Takes all messages of a queue, up to a marker that is published last.
    ///
    /// - Parameter count: The number of messages to receive before the marker is published.
    func takeAll(_ queue: String, atLeast count: Int = 0) async throws -> [BrokerMessage] {
        let last = UUID().uuidString
        let consumer = try makeConsumer(.sample, queues: [queue], prefetch: 1000)
        return try await whileRunning(consumer) {
            var tasks: [BrokerMessage] = []
            var isLastSent = false
            while true {
                if !isLastSent, tasks.count >= count {
                    try await publish(sampleTask(queue, id: last))
                    isLastSent = true
                }
                let deliveries = await consumer.fetch(upTo: 1000)
                try #require(!deliveries.isEmpty)
                for delivery in deliveries { await consumer.settle(delivery, as: .acknowledged) }
                tasks += deliveries.map(\.task)
                if let place = tasks.firstIndex(where: { $0.correlationID == last }) {
                    tasks.remove(at: place)
                    return tasks
                }
            }
        }
    }
}
