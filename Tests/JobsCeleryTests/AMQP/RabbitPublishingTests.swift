import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "Publishing to RabbitMQ",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RabbitPublishingTests {
    @Test("A thousand concurrent messages are all confirmed")
    func confirmsMany() async throws {
        try await withBroker { broker, queue in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<1000 {
                    group.addTask { try await broker.publish(sampleTask(queue, id: "\(number)", number: number)) }
                }
                try await group.waitForAll()
            }
            let tasks = try await broker.takeAll(queue)
            #expect(Set(tasks.map(\.correlationID)).count == 1000)
        }
    }

    @Test("An unroutable message throws; the messages around it do not")
    func unroutable() async throws {
        try await withBroker { broker, queue in
            var lost = sampleTask(queue)
            lost.exchange = "amq.direct"
            let errors = await withTaskGroup(of: CeleryError?.self) { group in
                for task in [lost, sampleTask(queue), lost, sampleTask(queue)] {
                    group.addTask { await celeryError { try await broker.publish(task) } }
                }
                return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
            }
            #expect(errors.map(\.code) == [.server, .server])
            #expect(errors.map { $0.message.contains("no queue") } == [true, true])
            let count = try await broker.count(queue)
            #expect(count == 2)
        }
    }

    @Test("A message that RabbitMQ cannot accept fails alone")
    func impossible() async throws {
        try await withBroker { broker, queue in
            var huge = sampleTask(queue)
            huge.headers["x"] = .string(String(repeating: "x", count: 200_000))
            var nowhere = sampleTask(queue)
            nowhere.exchange = "no such exchange"
            var nameless = sampleTask(queue)
            nameless.correlationID = String(repeating: "i", count: 300)
            for (task, code) in [
                (huge, CeleryError.Code.option), (nameless, .option), (nowhere, .server),
                (sampleTask(String(repeating: "q", count: 300)), .option),
            ] {
                await expect(code) { try await broker.publish(task) }
            }
            var large = sampleTask(queue)
            large.body = [UInt8](repeating: 7, count: 3_000_000)
            try await broker.publish(large)
            try await broker.publish(sampleTask(queue))
            let tasks = try await broker.takeAll(queue)
            #expect(tasks.map(\.body.count).sorted() == [sampleTask(queue).body.count, 3_000_000])
        }
    }

    @Test("A queue that exists with other arguments is used unchanged")
    func usesWhatExists() async throws {
        try await withBroker { plain, queue in
            try await plain.publish(sampleTask(queue))
            var options = RabbitOptions.patient
            (options.queue, options.maximumPriority) = (queue, 10)
            try await withBroker(options: options) { broker, _ in
                try await broker.publish(sampleTask(queue))
                #expect(try await broker.count(queue) == 2)
            }
        }
    }

    @Test("A deleted queue is declared again")
    func declaresAgain() async throws {
        try await withBroker { broker, queue in
            try await broker.publish(sampleTask(queue))
            try await RabbitServer.shared().control("delete_queue", queue)
            await expect(.server) { try await broker.publish(sampleTask(queue)) }
            try await broker.publish(sampleTask(queue))
            #expect(try await broker.count(queue) == 1)
        }
    }

    @Test("Messages with higher priorities are delivered first")
    func priorities() async throws {
        let name = "q-priority-\(UInt32.random(in: 0...UInt32.max))"
        var options = RabbitOptions.patient
        (options.queue, options.maximumPriority) = (name, 10)
        try await withBroker(options: options) { broker, _ in
            for priority in [0, 9, 5] {
                var task = sampleTask(name)
                task.priority = priority
                try await broker.publish(task)
            }
            let tasks = try await broker.takeAll(name)
            #expect(tasks.map(\.priority) == [9, 5, 0])
        }
    }

    @Test("Publishing fails after the timeout without a server, and immediately with a wrong password")
    func unreachable() async throws {
        var options = RabbitOptions.patient
        options.publishTimeout = 300
        try await withBroker(options: options, address: "amqp://127.0.0.1:\(try freePort())") { broker, queue in
            await expect(.unreachable) { try await broker.publish(sampleTask(queue)) }
        }
        var url = try await RabbitServer.shared().url
        url.password = "wr0ng"
        options.publishTimeout = 60_000
        let address = "amqp://\(url.user):wr0ng@\(url.host):\(url.port)"
        try await withBroker(options: options, address: address) { broker, queue in
            let error = await celeryError { try await broker.publish(sampleTask(queue)) }
            #expect(error?.code == .refused)
            #expect("\(error as Any)".contains("wr0ng") == false)
        }
        let noHost = "amqp://\(url.user):guest@\(url.host):\(url.port)/no-such-host"
        try await withBroker(options: options, address: noHost) { broker, queue in
            await expect(.refused) { try await broker.publish(sampleTask(queue)) }
        }
    }

    @Test("A cancelled publish throws immediately")
    func cancels() async throws {
        try await withBroker(address: "amqp://127.0.0.1:\(try freePort())") { broker, queue in
            let publishing = Task { try await broker.publish(sampleTask(queue)) }
            publishing.cancel()
            await #expect(throws: CancellationError.self) { try await publishing.value }
        }
    }
}
