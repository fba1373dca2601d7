import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

/// Server faults. Each test has its own server.
@Suite(
    "RabbitMQ server faults",
    .takesTurns,
    .serialized,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitServerFaultTests {
    @Test("F12: after a restart or crash of the server durable queues lose nothing, and running tasks stay here")
    func restart() async throws {
        let server = try await RabbitServer.start()
        try await withBroker(address: server.address) { broker, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 2)
            try await whileRunning(consumer) {
                for crashes in [false, true] {
                    for number in 0..<5 { try await broker.publish(sampleTask(queue, id: "\(crashes).\(number)")) }
                    var seen = await consumer.take(2)
                    if crashes { await server.kill() } else { await server.terminate() }
                    await consumer.settle(seen[0], as: .acknowledged)
                    try await server.launch()
                    await consumer.settle(seen[1], as: .acknowledged)
                    while seen.count < 5 {
                        let more = await consumer.take(1)
                        await consumer.settle(more[0], as: .acknowledged)
                        seen += more
                    }
                    #expect(Set(seen.map(\.task.correlationID)) == Set((0..<5).map { "\(crashes).\($0)" }))
                    try await consumer.expectNothing(in: queue, broker)
                }
            }
        }
    }

    @Test("F12: an undelivered result for a single web server survives a restart of RabbitMQ")
    func results() async throws {
        let server = try await RabbitServer.start()
        let queue = try await withBroker(address: server.address) { broker, _ in
            // Without listeners it returns immediately: this server has no other client.
            try await broker.ask(ControlRequest(method: "hello"), within: .seconds(3600), sent: {}) { _ in }
            let replies = broker.replyQueue
            await replies.ready()
            return replies.queue
        }
        try await withBroker(address: server.address) { broker, _ in
            try await broker.publishResult(Array("{}".utf8), of: "a", to: queue)
        }
        await server.terminate()
        try await server.launch()
        let lines = try await server.control("list_queues", "name", "messages").split(separator: "\n")
        #expect(lines.contains { $0.split(separator: "\t") == [Substring(queue), "1"] }, "\(lines)")
    }

    @Test("F14: a task longer than the server's consumer_timeout continues, runs once and is acknowledged")
    func consumerTimeout() async throws {
        let server = try await RabbitServer.start(advanced: "{consumer_timeout, 1000}, {channel_tick_interval, 500}")
        try await withBroker(address: server.address) { broker, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 1)
            try await whileRunning(consumer) {
                try await broker.publish(sampleTask(queue, id: "long"))
                let long = await consumer.take(1)[0]
                try await server.logs("timed out")
                await consumer.settle(long, as: .acknowledged)
                try await broker.publish(sampleTask(queue, id: "next"))
                let next = await consumer.take(1)[0]
                #expect(next.task.correlationID == "next")
                await consumer.settle(next, as: .acknowledged)
                try await consumer.expectNothing(in: queue, broker)
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test(
        "A server short of memory: deliveries and acknowledgements continue; publishing waits until it is unblocked"
    )
    func blocked() async throws {
        let server = try await RabbitServer.start()
        var options = RabbitOptions.patient
        options.publishTimeout = 500
        // Longer than rabbitmqctl takes to lift the limit on any machine.
        var patience = RabbitOptions.patient
        patience.publishTimeout = 120_000
        try await withBroker(options: options, address: server.address) { impatient, queue in
            try await withBroker(options: patience, address: server.address) { broker, _ in
                let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 1)
                try await whileRunning(consumer) {
                    for id in ["1", "2"] { try await broker.publish(sampleTask(queue, id: id)) }
                    let first = await consumer.take(1)[0]
                    try await server.control("set_vm_memory_high_watermark", "0.00001")
                    let error = await celeryError {
                        while true { try await impatient.publish(sampleTask(queue + ".other")) }
                    }
                    #expect(error?.code == .connectionLost || error?.code == .unreachable)
                    await consumer.settle(first, as: .acknowledged)
                    let second = await consumer.take(1)[0]
                    await consumer.settle(second, as: .acknowledged)
                    await broker.publishEvent(BrokerMessage())
                    let waiting = Task { try await broker.publish(sampleTask(queue, id: "3")) }
                    try await server.control("set_vm_memory_high_watermark", "0.9")
                    try await waiting.value
                    #expect(await consumer.take(1).map(\.task.correlationID) == ["3"])
                }
            }
        }
    }
}
