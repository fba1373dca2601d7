import DashJSON
import Foundation
import Logging
import NIOPosix
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// A broker on its own database, with helpers for tests.
struct RedisStage: Sendable {
    let url: RedisURL
    let broker: RedisBroker
    private let options: RedisBrokerOptions

    init(_ url: RedisURL? = nil, options: RedisBrokerOptions = .patient) async throws {
        if let url { self.url = url } else { self.url = try await RedisServer.shared().database() }
        self.options = options
        broker = RedisBroker(self.url, options: options, logger: .quiet)
    }

    /// A broker on the same database through a proxy.
    func through(_ proxy: TCPProxy) -> RedisBroker {
        var url = url
        url.place = .host("127.0.0.1", port: proxy.port)
        return RedisBroker.patient(url)
    }

    var port: Int { if case .host(_, let port) = url.place { port } else { 0 } }

    func consumer(
        _ name: String = "w",
        on broker: RedisBroker? = nil,
        queues: [String] = ["q"],
        prefetch: Int = 100
    )
        -> any CeleryConsumer
    {
        let worker = WorkerIdentity(node: "\(name)@test", id: "\(name)@test-\(UUID().uuidString)")
        let consumer = (broker ?? self.broker).makeConsumer(worker, queues: queues, prefetch: prefetch)
        return LiveConsumer(consumer, worker, terms: options.terms)
    }

    /// Waits until a consumer has found all its lists empty.
    func untilIdle() async throws {
        try await until {
            let clients = try await redis("CLIENT", "LIST").text ?? ""
            return clients.split(separator: "\n").contains { line in
                let fields = line.split(separator: " ")
                return fields.contains("name=dash-worker") && fields.contains("db=\(url.database)")
                    && fields.contains { $0.hasPrefix("cmd=eval") }
            }
        }
    }

    /// A numbered message.
    static func task(_ number: Int = 0, queue: String = "q", priority: Int = 0) -> BrokerMessage {
        var task = BrokerMessage()
        task.headers = ["task": "t", "id": .string("id-\(number)")]
        task.body = Array("[[\(number)], {}, {}]".utf8)
        task.routingKey = queue
        task.priority = priority
        return task
    }

    static func number(_ delivery: Delivery) -> Int? {
        (try? JSON(parsing: delivery.task.body))?[0][0].intValue
    }

    /// Sends a command.
    func redis(_ arguments: any RedisArgument...) async throws -> RedisValue {
        try await broker.client.send(RedisCommand(arguments: arguments.map(\.redisBytes)))
    }

    /// Redis' time in milliseconds since 1970.
    func time() async throws -> Int64 {
        let parts = try await redis("TIME").elements?.compactMap { $0.text.flatMap { Int64($0) } } ?? []
        return parts[0] * 1000 + parts[1] / 1000
    }

    /// The number of held messages according to each key that records them.
    func held() async throws -> [Int] {
        let keys = broker.keys
        return try await broker.client.send([
            RedisCommand("HLEN", keys.unacked), RedisCommand("ZCARD", keys.unackedIndex),
            RedisCommand("HLEN", keys.holders),
        ]).compactMap(\.integer)
    }

    /// Expects the number of held messages in each key.
    func expectHeld(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let held = try await held()
        #expect(held == [count, count, count], sourceLocation: sourceLocation)
    }

    /// Fetches the given number of deliveries.
    static func take(_ count: Int, from consumer: any CeleryConsumer) async -> [Delivery] {
        var all: [Delivery] = []
        while all.count < count {
            let some = await consumer.fetch(upTo: count - all.count)
            guard !some.isEmpty else { break }
            all += some
        }
        return all
    }
}

/// A consumer with the liveness of a worker.
struct LiveConsumer: CeleryConsumer {
    private let consumer: any CeleryConsumer
    private let liveness: WorkerLiveness

    init(_ consumer: any CeleryConsumer, _ worker: WorkerIdentity, terms: LivenessTerms) {
        self.consumer = consumer
        liveness = WorkerLiveness(
            worker,
            leases: consumer.lease.map { [$0] } ?? [],
            terms: terms,
            loops: [MultiThreadedEventLoopGroup.singleton.next()],
            logger: .quiet
        )
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await consumer.run() }
            group.addTask { try await liveness.run() }
            try await group.next()
            group.cancelAll()
        }
    }

    func fetch(upTo limit: Int) async -> [Delivery] { await consumer.fetch(upTo: limit) }
    func settle(_ delivery: Delivery, as settlement: Settlement) async {
        await consumer.settle(delivery, as: settlement)
    }
    func settled(_ delivery: Delivery) { consumer.settled(delivery) }
    func setPrefetch(_ prefetch: Int) { consumer.setPrefetch(prefetch) }
    func add(queue: String) async throws { try await consumer.add(queue: queue) }
    func cancel(queue: String) async throws { try await consumer.cancel(queue: queue) }
    var queues: [String] { consumer.queues }
    func stopFetching() { consumer.stopFetching() }
}
