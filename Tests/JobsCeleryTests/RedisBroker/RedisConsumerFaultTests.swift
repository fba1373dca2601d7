import ServiceLifecycle
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Faults of Redis and its consumers", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisConsumerFaultTests {
    /// Acknowledges all deliveries until `count` different messages have been seen; returns how often each was
    /// delivered.
    private func workOff(
        _ count: Int,
        _ consumers: [any CeleryConsumer],
        seen: Tally = Tally()
    ) async throws -> [Int: Int] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for consumer in consumers {
                group.addTask {
                    while seen.count < count {
                        let deliveries = await consumer.fetch(upTo: 10)
                        for delivery in deliveries {
                            await consumer.settle(delivery, as: .acknowledged)
                            if let number = RedisStage.number(delivery) { seen.add(number) }
                        }
                        if deliveries.isEmpty { return }
                    }
                    for other in consumers { other.stopFetching() }
                }
            }
            try await group.waitForAll()
        }
        return seen.counts
    }

    @Test("Two consumers: each of 2,000 messages is delivered to one of them, once")
    func twoConsumers() async throws {
        let stage = try await RedisStage()
        let consumers = [stage.consumer("a"), stage.consumer("b")]
        try await whileRunning(stage.broker, consumers[0], consumers[1]) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2000 {
                    group.addTask { try await stage.broker.publish(RedisStage.task(number, priority: number % 10)) }
                }
                try await group.waitForAll()
            }
            let counts = try await workOff(2000, consumers)
            #expect(counts.count == 2000 && counts.values.allSatisfy { $0 == 1 })
            try await stage.expectHeld(0)
        }
    }

    @Test(
        "F11: a connection that is reset five times in use: every message is settled, and the consumer resumes"
    )
    func resets() async throws {
        let stage = try await RedisStage()
        let proxy = try await TCPProxy.start(to: stage.port)
        let broker = stage.through(proxy)
        let consumer = stage.consumer(on: broker)
        try await whileRunning(stage.broker, broker, consumer) {
            let seen = Tally()
            async let counts = workOff(300, [consumer], seen: seen)
            for round in 0..<5 {
                for number in 0..<50 { try await stage.broker.publish(RedisStage.task(round * 50 + number)) }
                try await until { seen.count > round * 50 }
                proxy.cut()
            }
            let start = ContinuousClock.now
            for number in 250..<300 { try await stage.broker.publish(RedisStage.task(number)) }
            let all = try await counts
            #expect(all.count == 300)
            print("Delivered twice in five resets: \(all.values.filter { $0 > 1 }.count) of 300.")
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
            // Lost acknowledgements are sent again.
            try await until { (try? await stage.held()) == [0, 0, 0] }
        }
    }

    @Test("F11: an idle connection that is closed: the consumer resumes")
    func idleClose() async throws {
        let stage = try await RedisStage()
        let proxy = try await TCPProxy.start(to: stage.port)
        let broker = stage.through(proxy)
        let consumer = stage.consumer(on: broker)
        try await whileRunning(stage.broker, broker, consumer) {
            async let waiting = RedisStage.take(1, from: consumer)
            try await stage.untilIdle()
            proxy.cut()
            let start = ContinuousClock.now
            try await stage.broker.publish(RedisStage.task(1))
            #expect(await waiting.count == 1)
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
        }
    }

    @Test("F11: a half-open connection: the consumer resumes within five seconds")
    func halfOpen() async throws {
        let stage = try await RedisStage()
        let proxy = try await TCPProxy.start(to: stage.port)
        let broker = stage.through(proxy)
        let consumer = stage.consumer(on: broker)
        try await whileRunning(stage.broker, broker, consumer) {
            async let waiting = RedisStage.take(1, from: consumer)
            try await stage.untilIdle()
            proxy.become(.swallows)
            let start = ContinuousClock.now
            try await stage.broker.publish(RedisStage.task(1))
            let delivery = try #require(await waiting.first)
            #expect(ContinuousClock.now - start < promised(.seconds(5)))
            proxy.become(.swallows)
            await consumer.settle(delivery, as: .acknowledged)
            try await until { (try? await stage.held()) == [0, 0, 0] }
            #expect(ContinuousClock.now - start < promised(.seconds(12)))
        }
    }

    @Test("F11: a lost reply to a fetch: the same consumer gets the messages")
    func lostAnswer() async throws {
        let stage = try await RedisStage()
        let proxy = try await TCPProxy.start(to: stage.port)
        let broker = stage.through(proxy)
        let consumer = stage.consumer(on: broker)
        try await whileRunning(stage.broker, broker, consumer) {
            async let waiting = RedisStage.take(1, from: consumer)
            try await stage.untilIdle()
            // The invalidation arrives slowly and triggers a fetch, whose reply is delayed and then lost.
            proxy.become(.delays(.milliseconds(300)))
            try await stage.broker.publish(RedisStage.task(1))
            try await until { try await stage.held()[0] == 1 }
            proxy.cut()
            let delivery = try #require(await waiting.first)
            #expect(!delivery.isRedelivered, "not because its lease expired")
            await consumer.settle(delivery, as: .acknowledged)
            try await until { (try? await stage.held()) == [0, 0, 0] }
        }
    }

    @Test("A killed worker: its messages are redelivered within seconds, and a living worker keeps its own")
    func killed() async throws {
        let stage = try await RedisStage()
        // A worker with its own connections.
        let doomed = try await RedisStage(stage.url)
        let (victim, neighbour) = (doomed.consumer("victim"), stage.consumer("neighbour", prefetch: 1))
        try await whileRunning(stage.broker, neighbour) {
            try await stage.broker.publish(RedisStage.task(0))
            let kept = await RedisStage.take(1, from: neighbour)[0]
            try await whileRunning(doomed.broker, victim) {
                for number in 1...3 { try await stage.broker.publish(RedisStage.task(number)) }
                #expect(await RedisStage.take(3, from: victim).count == 3)
            }
            let start = ContinuousClock.now
            let heir = stage.consumer("heir")
            try await whileRunning(heir) {
                let all = await RedisStage.take(3, from: heir)
                #expect(Set(all.compactMap(RedisStage.number)) == [1, 2, 3] && all.filter(\.isRedelivered).count == 3)
                #expect(ContinuousClock.now - start < promised(.seconds(10)))
                print("The messages of a killed worker were redelivered after \(ContinuousClock.now - start).")
                try await stage.expectHeld(4)
                await neighbour.settle(kept, as: .acknowledged)
                for delivery in all { await heir.settle(delivery, as: .acknowledged) }
                try await stage.expectHeld(0)
            }
        }
    }

    @Test("F14: a job that runs longer than the lease and Celery's visibility timeout: the worker keeps its message")
    func longWork() async throws {
        var options = RedisBrokerOptions.patient
        options.terms = LivenessTerms()
        let stage = try await RedisStage(options: options)
        let doomed = try await RedisStage(stage.url, options: options)
        let (worker, other) = (stage.consumer("worker", prefetch: 1), stage.consumer("other"))
        let victim = doomed.consumer("victim")
        try await whileRunning(stage.broker, worker) {
            try await stage.broker.publish(RedisStage.task(1))
            let delivery = await RedisStage.take(1, from: worker)[0]
            let first = try await stage.redis("ZSCORE", "unacked_index", delivery.tag)
            let end = try await stage.time() + Int64(options.terms.lease / .milliseconds(1))
            try await whileRunning(doomed.broker, victim) {
                try await stage.broker.publish(RedisStage.task(2))
                #expect(await RedisStage.take(1, from: victim).count == 1)
                // The worker's first lease, and an observer's patience.
                let patience = Int64(options.terms.patience / .milliseconds(1))
                try await until { try await stage.time() > end + patience }
            }
            // The victim's message is requeued. So would be the worker's older one, if that worker counted as dead too.
            try await whileRunning(other) {
                let found = await other.fetch(upTo: 2)
                #expect(found.map(RedisStage.number) == [2] && found.allSatisfy(\.isRedelivered))
                for delivery in found { await other.settle(delivery, as: .acknowledged) }
            }
            try await stage.expectHeld(1)
            #expect(
                try await stage.redis("ZSCORE", "unacked_index", delivery.tag) != first,
                "Celery's index is refreshed"
            )
            await worker.settle(delivery, as: .acknowledged)
            try await stage.expectHeld(0)
        }
    }

    @Test(
        "F10: Redis' memory is full: leases are renewed and deliveries settled, and only new messages are refused"
    )
    func fullMemory() async throws {
        let server = try await RedisServer.start(arguments: ["--maxmemory-policy", "noeviction"])
        let stage = try await RedisStage(RedisURL(server.address))
        let worker = stage.consumer(prefetch: 2)
        try await whileRunning(stage.broker, worker) {
            for number in 0..<3 { try await stage.broker.publish(RedisStage.task(number)) }
            let some = await RedisStage.take(2, from: worker)
            _ = try await stage.redis("CONFIG", "SET", "maxmemory", "100kb")
            let error = await #expect(throws: CeleryError.self) { try await stage.broker.publish(RedisStage.task(9)) }
            #expect(error?.code == .server)
            for set in ["dash:workers", "unacked_index"] {
                let before = try await stage.redis("ZRANGE", set, 0, -1, "WITHSCORES")
                try await until { try await stage.redis("ZRANGE", set, 0, -1, "WITHSCORES") != before }
            }
            await worker.settle(some[0], as: .acknowledged)
            await worker.settle(some[1], as: .returned)
            #expect(await RedisStage.take(2, from: worker).count == 2)
        }
    }

    @Test("A graceful shutdown: unsettled deliveries are requeued at once")
    func graceful() async throws {
        let stage = try await RedisStage()
        let worker = stage.consumer()
        try await whileRunning(stage.broker) {
            for number in 0..<3 { try await stage.broker.publish(RedisStage.task(number)) }
            let group = ServiceGroup(services: [worker], logger: .quiet)
            try await whileRunning(group) {
                let all = await RedisStage.take(3, from: worker)
                await worker.settle(all[1], as: .acknowledged)
                await group.triggerGracefulShutdown()
                try await until { (try? await stage.held()) == [0, 0, 0] }
                #expect(try await stage.redis("LLEN", "q") == .integer(2))
                #expect(await worker.fetch(upTo: 1).isEmpty)
            }
        }
    }

    @Test("F12: Redis restarts and keeps its data: nothing is lost, and running work is settled afterwards")
    func restart() async throws {
        let server = try await RedisServer.start(appendOnly: true)
        let stage = try await RedisStage(RedisURL(server.address))
        let consumer = stage.consumer(prefetch: 10)
        try await whileRunning(stage.broker, consumer) {
            for number in 0..<100 { try await stage.broker.publish(RedisStage.task(number)) }
            let seen = Tally()
            let working = await RedisStage.take(10, from: consumer)
            server.kill()
            async let settled: Void = settle(working, consumer)
            for delivery in working { seen.add(RedisStage.number(delivery) ?? -1) }
            try await server.launch()
            await settled
            let counts = try await workOff(100, [consumer], seen: seen)
            #expect(counts.keys.sorted() == Array(0..<100))
            #expect(counts.values.allSatisfy { $0 == 1 })
            try await until { (try? await stage.held()) == [0, 0, 0] }
        }
    }

    @Test("F12: Redis is suspended for a time: the consumer resumes afterwards")
    func pause() async throws {
        let server = try await RedisServer.start()
        let stage = try await RedisStage(RedisURL(server.address))
        let proxy = try await TCPProxy.start(to: stage.port)
        let broker = stage.through(proxy)
        let consumer = stage.consumer(on: broker)
        try await whileRunning(stage.broker, broker, consumer) {
            for number in 0..<20 { try await stage.broker.publish(RedisStage.task(number)) }
            let first = await RedisStage.take(5, from: consumer)
            let made = proxy.count
            server.pause()
            async let settled: Void = settle(first, consumer)
            // Longer than the timeout of the consumer's connection.
            try await until { proxy.count > made }
            server.resume()
            await settled
            let counts = try await workOff(15, [consumer])
            #expect(counts.count == 15)
            try await until { (try? await stage.held()) == [0, 0, 0] }
        }
    }

    private func settle(_ deliveries: [Delivery], _ consumer: any CeleryConsumer) async {
        for delivery in deliveries { await consumer.settle(delivery, as: .acknowledged) }
    }
}

/// Counts the occurrences of each number.
final class Tally: Sendable {
    private let state = Mutex<[Int: Int]>([:])

    func add(_ number: Int) { state.withLock { $0[number, default: 0] += 1 } }
    var count: Int { state.withLock { $0.count } }
    var counts: [Int: Int] { state.withLock { $0 } }
}
