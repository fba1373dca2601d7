import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// Records in a test's own Redis database, with the steps of a worker as functions.
struct RecordBench: Sendable {
    let records: JobRecords
    let recording: RecordedJobs
    let broker: RedisBroker
    let sweeper: RecordSweeper

    /// Runs a body along with the connections that it needs.
    static func run<Value: Sendable>(
        _ configure: (inout RecordSettings) -> Void = { _ in },
        at url: RedisURL? = nil,
        options: RedisBrokerOptions = .patient,
        redis: ((RedisBroker) -> any RedisClient)? = nil,
        _ body: (RecordBench) async throws -> Value
    ) async throws -> Value {
        let bench = try await prepared(configure, at: url, options: options, redis: redis)
        return try await whileRunning(bench.broker) { try await body(bench) }
    }

    /// A bench whose broker must still be run.
    static func prepared(
        _ configure: (inout RecordSettings) -> Void = { _ in },
        at url: RedisURL? = nil,
        options: RedisBrokerOptions = .patient,
        redis: ((RedisBroker) -> any RedisClient)? = nil
    ) async throws -> RecordBench {
        let place = if let url { url } else { try await RedisServer.shared().database() }
        let broker = RedisBroker(place, options: options, logger: .quiet)
        var settings = RecordSettings(isBroker: true)
        configure(&settings)
        let client = redis?(broker) ?? broker.client
        let connections = CeleryConnections(broker, client, broker.subscriber, RedisOptions.patient(place), [broker])
        let records = JobRecords(connections: connections, settings: settings)
        let setup = JobBackendSetup(configuration: settings.rules.limits, logger: .quiet)
        let recording = RecordedJobs(records, setup)
        return RecordBench(records: records, recording: recording, broker: broker, sweeper: RecordSweeper(records))
    }

    /// Starts a job and sends its message.
    @discardableResult
    func start(_ request: JobRequest) async throws -> Bool {
        var message = TaskMessage(task: request.name, id: request.id.text)
        message.custom["dash"] = [:]
        return try await records.start(request, message: message.raw(queue: "dash"))
    }

    /// A living or dead worker: a living one subscribes to its channel, and renews its lease when it begins jobs.
    func worker(_ name: String, lives: Bool = true) async throws -> (WorkerIdentity, AsyncStream<RedisMessage?>?) {
        let worker = WorkerIdentity(node: name, id: "\(name).\(JobID.new)")
        guard lives else { return (worker, nil) }
        let life = try await broker.subscriber.messages(of: broker.keys.lifeLinePrefix + worker.id, isPattern: false)
        return (worker, life)
    }

    /// Fetches the next message as a worker's consumer does.
    func take(_ worker: WorkerIdentity) async throws -> JobsCelery.Delivery { try #require(await takeIfAny(worker)) }

    /// Fetches the next message; nil if there is none.
    func takeIfAny(_ worker: WorkerIdentity) async throws -> JobsCelery.Delivery? {
        let keys = broker.keys
        let answer = try await broker.client.run(
            BrokerScripts.fetch,
            keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.holders, keys.rejected] + keys.lists(of: "dash"),
            arguments: [1, worker.id, "6", 10, "dash"]
        )
        guard let found = answer[0][0].elements else { return nil }
        let (task, isRedelivered) = try KombuEnvelope.decode(try #require(found[2].bytes))
        return JobsCelery.Delivery(
            tag: try #require(found[0].text),
            queue: "dash",
            task: task,
            isRedelivered: isRedelivered
        )
    }

    /// Acknowledges a message.
    func acknowledge(_ delivery: JobsCelery.Delivery, _ worker: WorkerIdentity) async throws {
        let (keys, arguments) = (broker.keys.delivery, [delivery.tag, worker.id])
        _ = try await broker.client.run(BrokerScripts.settle, keys: keys, arguments: arguments)
    }

    /// Begins an attempt; records an issue if it is refused.
    func begin(
        _ id: JobID,
        _ delivery: JobsCelery.Delivery,
        _ worker: WorkerIdentity,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> RecordFacts {
        let attempt = try await recording.begin(id, delivery: delivery, worker: worker)
        return try #require(attempt, sourceLocation: sourceLocation)
    }

    /// Waits until a worker's lease expires by Redis' clock.
    func endOfLease(of worker: WorkerIdentity) async throws {
        try await until {
            let (time, lease) = try await (
                broker.client.send(RedisCommand("TIME")),
                broker.client.send(RedisCommand("ZSCORE", broker.keys.workers, worker.id))
            )
            let end = if case .double(let end) = lease { end } else { Double(lease.text ?? "") }
            let parts = time.elements?.compactMap { $0.text.flatMap { Double($0) } } ?? []
            return try parts[0] + parts[1] / 1e6 > #require(end)
        }
    }

    /// The non-zero sizes of the broker's keys and of the records' sets.
    func counts() async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for (command, names) in [
            ("LLEN", ["dash"]), ("HLEN", ["unacked", "dash:owners", "dash:holders"]),
            (
                "ZCARD",
                ["unacked_index", "dash:queued", "dash:scheduled", "dash:running", "dash:finished"]
            ),
        ] {
            for name in names {
                let count = try await broker.client.send(RedisCommand(command, name)).integer ?? 0
                if count > 0 { counts[name] = count }
            }
        }
        return counts
    }
}

extension RecordedJobs {
    /// Stores changes as a batch of their own.
    func update(_ attempt: RecordFacts, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        try await update(
            attempt,
            ChangeSet(number: .random(in: 1 ... .max), progress: progress, props: props)
        )
    }
}

extension [UInt8] {
    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
}

extension [PropertyValue] {
    static func values(_ text: String) -> [PropertyValue] { PropertyValue.list(from: [UInt8](text.utf8)) ?? [] }
}
