import DashJSON
import ServiceLifecycle
import Support
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "The RabbitMQ broker",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitBrokerTests {
    @Test("A published message is delivered unchanged and removed when it is acknowledged")
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

    @Test("Returned messages, and unsettled ones of a stopped consumer, are redelivered; rejected ones are not")
    func returnsWhatIsUnsettled() async throws {
        try await withBroker { broker, queue in
            for number in 0..<3 { try await broker.publish(sampleTask(queue, id: "\(number)", number: number)) }
            let first = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(first) {
                let deliveries = await first.take(3)
                await first.settle(deliveries[0], as: .rejected)
                await first.settle(deliveries[1], as: .returned)
            }
            let second = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(second) {
                let again = await second.take(2)
                #expect(again.map(\.isRedelivered) == [true, true])
                #expect(Set(again.map { $0.task.correlationID }) == ["1", "2"])
                for delivery in again { second.settled(delivery) }
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test("The prefetch limits the unsettled messages, also after a change")
    func respectsThePrefetch() async throws {
        try await withBroker { broker, queue in
            for number in 0..<6 { try await broker.publish(sampleTask(queue, id: "\(number)", number: number)) }
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 2)
            try await whileRunning(consumer) {
                _ = await consumer.take(2)
                let afterTwo = try await broker.waiting(in: queue)
                #expect(afterTwo == 4)
                consumer.setPrefetch(5)
                let more = await consumer.take(3)
                let afterFive = try await broker.waiting(in: queue)
                #expect(afterFive == 1)
                await consumer.settle(more[0], as: .acknowledged)
                #expect(await consumer.take(1).map { $0.task.correlationID } == ["5"])
            }
        }
    }

    @Test("A postponed message is delivered again when it is due; others arrive in the meantime")
    func postpones() async throws {
        try await withBroker { broker, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 1)
            try await whileRunning(consumer) {
                try await broker.publish(sampleTask(queue, id: "later"))
                try await broker.publish(sampleTask(queue, id: "now"))
                let later = await consumer.take(1)[0]
                let due = WallClock.milliseconds() + 5000
                await consumer.settle(later, as: .postponed(until: due))
                let now = await consumer.take(1)[0]
                #expect(now.task.correlationID == "now")
                await consumer.settle(now, as: .acknowledged)
                #expect(await consumer.take(1) == [later])
                #expect(WallClock.milliseconds() >= due)
                await consumer.settle(later, as: .acknowledged)
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test("Queues are added and cancelled while the consumer runs")
    func changesItsQueues() async throws {
        try await withBroker { broker, queue in
            let (one, other) = (queue + ".1", queue + ".2")
            let consumer = try broker.makeConsumer(.sample, queues: [one], prefetch: 4)
            try await whileRunning(consumer) {
                try await consumer.add(queue: other)
                try await consumer.add(queue: other)
                #expect(consumer.queues == [one, other])
                try await broker.publish(sampleTask(other, id: "a"))
                #expect(await consumer.take(1).map(\.queue) == [other])
                try await consumer.cancel(queue: other)
                #expect(consumer.queues == [one])
                try await broker.publish(sampleTask(other, id: "b"))
                try await broker.publish(sampleTask(one, id: "c"))
                #expect(await consumer.take(1).map { $0.task.correlationID } == ["c"])
                #expect(try await broker.waiting(in: other) == 1)
            }
            #expect(try await broker.takeAll(other, atLeast: 2).count == 2)
        }
    }

    @Test("A deleted queue is declared and consumed again; the other queue is unaffected")
    func survivesADeletedQueue() async throws {
        try await withBroker { broker, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue, queue + ".other"], prefetch: 4)
            try await whileRunning(consumer) {
                try await broker.publish(sampleTask(queue + ".other", id: "running"))
                let running = await consumer.take(1)[0]
                try await RabbitServer.shared().control("delete_queue", queue)
                // The first publish detects that the queue is deleted, unless the consumer has redeclared it already.
                _ = await celeryError { try await broker.publish(sampleTask(queue, id: "after")) }
                _ = await celeryError { try await broker.publish(sampleTask(queue, id: "after")) }
                #expect(await consumer.take(1).map { $0.task.correlationID } == ["after"])
                await consumer.settle(running, as: .acknowledged)
            }
            #expect(try await broker.count(queue + ".other") == 0)
        }
    }

    @Test("A quorum queue is consumed with a limit per consumer")
    func findsAQuorumQueue() async throws {
        let name = "q-quorum-\(UInt32.random(in: 0...UInt32.max))"
        try await declareQuorumQueue(name)
        try await withBroker { broker, _ in
            try await broker.publish(sampleTask(name))
            let consumer = try broker.makeConsumer(.sample, queues: [name], prefetch: 1)
            try await whileRunning(consumer) {
                try await broker.publish(sampleTask(name))
                for _ in 0..<2 {
                    await consumer.settle(await consumer.take(1)[0], as: .acknowledged)
                }
                try await consumer.expectNothing(in: name, broker)
            }
        }
    }

    @Test("A graceful shutdown waits for the consumers, which settle their running tasks")
    func shutsDownGracefully() async throws {
        let broker = try RabbitBroker(try await RabbitServer.shared().url.patient, options: .patient, logger: .quiet)
        let queue = "q-\(UInt32.random(in: 0...UInt32.max))"
        let group = ServiceGroup(services: [broker], logger: .quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await broker.publish(sampleTask(queue))
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 4)
            try await whileRunning(consumer) {
                let running = await consumer.take(1)[0]
                await group.triggerGracefulShutdown()
                try await broker.publish(sampleTask(queue, id: "later"))
                let later = await consumer.take(1)
                #expect(later.map(\.task.correlationID) == ["later"], "the connections stay open")
                for delivery in [running] + later { await consumer.settle(delivery, as: .acknowledged) }
            }
            try await tasks.waitForAll()
        }
        let count = try await withBroker { other, _ in try await other.count(queue) }
        #expect(count == 0)
    }

    @Test("After stopFetching nothing is delivered, waiting messages are requeued, and running tasks can be settled")
    func stopsFetching() async throws {
        try await withBroker { broker, queue in
            for number in 0..<4 { try await broker.publish(sampleTask(queue, id: "\(number)")) }
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(consumer) {
                let running = await consumer.take(1)
                consumer.stopFetching()
                #expect(await consumer.fetch(upTo: 1) == [])
                let rest = try await broker.takeAll(queue, atLeast: 3)
                #expect(Set(rest.map(\.correlationID)) == ["1", "2", "3"])
                await consumer.settle(running[0], as: .acknowledged)
            }
            #expect(try await broker.count(queue) == 0)
        }
    }

    @Test("A fetch returns nothing when it is cancelled or the broker has ended")
    func fetchEnds() async throws {
        let consumer = try await withBroker { broker, queue in
            let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 3)
            try await whileRunning(consumer) {
                let fetching = Task { await consumer.fetch(upTo: 1) }
                fetching.cancel()
                #expect(await fetching.value == [])
            }
            return consumer
        }
        #expect(await consumer.fetch(upTo: 1) == [])
    }

    @Test(
        "F23: each of many messages reaches exactly one of two consumers, once, and is acknowledged",
        arguments: [false, true]
    )
    func sharesExactlyOnce(isQuorum: Bool) async throws {
        let name = "q-share-\(UInt32.random(in: 0...UInt32.max))"
        if isQuorum { try await declareQuorumQueue(name) }
        try await withBroker { broker, _ in
            let count = 400
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask { try await broker.publish(sampleTask(name, id: "\(number)", number: number)) }
                }
                try await group.waitForAll()
            }
            let consumers = try (0..<2).map { _ in try broker.makeConsumer(.sample, queues: [name], prefetch: 7) }
            let seen = Seen(count)
            try await whileRunning(consumers[0], consumers[1]) {
                await withTaskGroup { group in
                    for consumer in consumers {
                        group.addTask { await consumer.settleAll(seen, beside: consumers) }
                    }
                }
            }
            #expect(seen.ids.count == count)
            #expect(Set(seen.ids).count == count)
            #expect(try await broker.count(name) == 0)
        }
    }
}
