import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

/// Connection faults; see `RabbitServerFaultTests` for faults of the server.
@Suite(
    "RabbitMQ connection faults",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitFaultTests {
    /// A broker whose connections go through a proxy.
    private func withProxy(
        _ query: String = "",
        _ body: (RabbitBroker, TCPProxy, String) async throws -> Void
    ) async throws {
        let url = try await RabbitServer.shared().url
        let proxy = try await TCPProxy.start(to: url.port)
        let address = "amqp://\(url.user):\(url.password)@127.0.0.1:\(proxy.port)//\(query)"
        try await withBroker(address: address) { broker, queue in try await body(broker, proxy, queue) }
        proxy.end()
    }

    @Test(
        "F11: after five resets running tasks stay here and are acknowledged; nothing runs twice or is lost"
    )
    func cutFiveTimes() async throws {
        try await withProxy { broker, proxy, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(consumer) {
                var seen: [String?] = []
                for round in 0..<5 {
                    let ids = (0..<3).map { "\(round).\($0)" }
                    for id in ids { try await broker.publish(sampleTask(queue, id: id)) }
                    let running = await consumer.take(3)
                    seen += running.map(\.task.correlationID)
                    // One is settled before the loss, one without a connection, one after the reconnection.
                    await consumer.settle(running[0], as: .acknowledged)
                    let made = proxy.count
                    proxy.cut()
                    await consumer.settle(running[1], as: .acknowledged)
                    try await proxy.waitForConnections(made + 2)
                    await consumer.settle(running[2], as: .acknowledged)
                }
                #expect(Set(seen).count == 15)
                #expect(seen.count == 15)
                try await consumer.expectNothing(in: queue, broker)
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test("F11: publishing waits for a reconnection, and each message is published once")
    func publishesOverCuts() async throws {
        try await withProxy { broker, proxy, queue in
            let count = 200
            let unknown = Seen(count)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask {
                        do {
                            try await broker.publish(sampleTask(queue, id: "\(number)"))
                        } catch let error as CeleryError where error.code == .connectionLost {
                            _ = unknown.add(["\(number)"])
                        }
                    }
                    if number % 40 == 20 { proxy.cut() }
                }
                try await group.waitForAll()
            }
            let ids = try await broker.takeAll(queue).compactMap(\.correlationID)
            #expect(Set(ids).count == ids.count)
            // All confirmed messages are there; the outcome of the others is unknown.
            #expect(Set(ids).union(unknown.ids).count == count)
        }
    }

    @Test("F11: a half-open connection is detected by its heartbeat and replaced")
    func halfOpen() async throws {
        try await withProxy("?heartbeat=1") { broker, proxy, queue in
            try await broker.publish(sampleTask(queue, id: "before"))
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(consumer) {
                let running = await consumer.take(1)
                let made = proxy.count
                proxy.become(.swallows)
                try await proxy.waitForConnections(made + 2)
                await consumer.settle(running[0], as: .acknowledged)
                try await broker.publish(sampleTask(queue, id: "after"))
                let next = await consumer.take(1)
                #expect(next.map(\.task.correlationID) == ["after"])
                await consumer.settle(next[0], as: .acknowledged)
                try await consumer.expectNothing(in: queue, broker)
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test("F11: closing a half-open connection does not wait long for the server's response")
    func endHalfOpen() async throws {
        var began = ContinuousClock.now
        try await withProxy("?heartbeat=600") { broker, proxy, queue in
            try await broker.publish(sampleTask(queue))
            proxy.become(.swallows)
            began = .now
        }
        // Three seconds on an idle machine; the timeout of other responses is thirty.
        #expect(began.duration(to: .now) < .seconds(25))
    }

    @Test("F11: heartbeats keep an idle connection open")
    func staysWhenIdle() async throws {
        try await withProxy("?heartbeat=3") { broker, proxy, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(consumer) {
                try await broker.publish(sampleTask(queue))
                _ = await consumer.take(1)
                let made = proxy.count
                // Each end sends two heartbeats per interval and closes the connection after two silent intervals.
                proxy.forgetPassages()
                try await until { proxy.leastPassages >= 5 }
                #expect(proxy.count == made)
                try await broker.publish(sampleTask(queue))
                #expect(await consumer.take(1).count == 1)
            }
        }
    }
}

extension TCPProxy {
    /// Waits until this number of connections has been made in total.
    func waitForConnections(_ made: Int) async throws {
        try await until { count >= made }
    }
}
