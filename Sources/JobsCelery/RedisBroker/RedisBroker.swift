import DashJSON
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// Celery's broker on Redis: lists, `unacked` and pub/sub exactly as kombu has them, with what kombu lacks added beside.
///
/// A message is at any moment in one place on the server: fetch, acknowledgement and return are single scripts. A worker holds
/// its messages as long as it lives by `LivenessScripts.rule`; when it does not, others give them back within seconds.
final class RedisBroker: CeleryBroker {
    /// A connection for commands, which others may use too while the broker runs.
    let client: ReconnectingRedisClient
    /// A connection for channels, which others may use too while the broker runs.
    let subscriber: RedisPubSub
    let options: RedisBrokerOptions
    let logger: Logger
    /// Given when a message was parked: its time may come before the next sweep.
    let parked = AsyncSignal()
    private let declared = Mutex<Set<String>>([])

    init(_ url: RedisURL, options: RedisBrokerOptions = RedisBrokerOptions(), logger: Logger) {
        var options = options
        options.keys.database = url.database
        self.options = options
        self.logger = logger
        client = ReconnectingRedisClient(options.connection(to: url, name: "dash-broker", logger: logger))
        subscriber = RedisPubSub(options.connection(to: url, name: "dash-channels", logger: logger))
    }

    var keys: RedisKeys { options.keys }
    var url: RedisURL { client.options.url }

    var information: BrokerInformation {
        let (hostname, port) =
            switch url.place {
            case .host(let host, let port): (host, port)
            case .socket(let path): (path, 0)
            }
        return BrokerInformation(
            transport: url.tls == nil ? "redis" : "rediss",
            hostname: hostname,
            port: port,
            userID: url.user,
            virtualHost: String(url.database),
            usesTLS: url.tls != nil
        )
    }

    var priorities: [Int] { keys.prioritySteps }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.client.keepConnected() }
                group.addTask { await self.subscriber.keepConnected() }
                group.addTask { await self.sweep() }
            }
        }
    }

    /// What puts a message into its queue: the list and the envelope that is pushed to its left end. For scripts that do it
    /// together with something else.
    func message(_ task: RawTask) -> (list: String, envelope: [UInt8]) {
        (keys.list(of: task.routingKey, priority: task.priority), KombuEnvelope.encode(task))
    }

    func publish(_ task: RawTask) async throws {
        let (list, envelope) = message(task)
        try await check(client.send(declaration([task.routingKey]) + [RedisCommand("LPUSH", list, envelope)]))
        declared.withLock { _ = $0.insert(task.routingKey) }
    }

    /// Makes queues known to Celery's tools, as Celery does with the queues that it uses.
    func declare(_ queues: [String]) async throws {
        try await check(client.send(declaration(queues)))
        declared.withLock { $0.formUnion(queues) }
    }

    private func declaration(_ queues: [String]) -> [RedisCommand] {
        let new = declared.withLock { declared in queues.filter { !declared.contains($0) } }
        return new.flatMap { queue in
            keys.bindings(of: queue).map {
                RedisCommand("SADD", $0, keys.binding(routingKey: queue, queue: queue))
            }
        }
    }

    private func check(_ answers: [RedisValue]) throws {
        for case .error(let message) in answers { throw CeleryError(.server, "Redis: \(message)") }
    }

    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) -> any CeleryConsumer {
        RedisConsumer(self, worker: worker, queues: queues, prefetch: prefetch)
    }

    func broadcast(_ request: RawTask) async throws {
        _ = try await client.send(publication(request, exchange: "celery.pidbox"))
    }

    func broadcasts() -> AsyncStream<RawTask> {
        let (stream, continuation) = AsyncStream<RawTask>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        let subscription = subscriber.subscribe(to: keys.channel(of: "celery.pidbox")) { [logger] message in
            guard let message else { return }
            do {
                continuation.yield(try KombuEnvelope.decode(message.payload).task)
            } catch {
                logger.warning("A request to all workers cannot be read: \(error)")
            }
        }
        continuation.onTermination = { _ in subscription.end() }
        return stream
    }

    func hearsBroadcasts() async {
        // Redis is asked once for a channel, and confirms it for all.
        let subscription = subscriber.subscribe(to: keys.channel(of: "celery.pidbox")) { _ in }
        try? await subscription.confirmed()
        subscription.end()
    }

    func reply(_ reply: RawTask) async throws {
        var reply = reply
        reply.exchange = "reply.celery.pidbox"
        reply.isPersistent = false
        _ = try await client.run(
            BrokerScripts.reply,
            keys: [keys.bindings(of: reply.exchange)[0]],
            arguments: [keys.separator, reply.routingKey, keys.prefix, KombuEnvelope.encode(reply)]
        )
    }

    func publishEvent(_ event: RawTask) async {
        // Events are for the moment: without a connection they are dropped, not kept back.
        guard let connection = client.present else { return }
        var event = event
        event.isPersistent = false
        _ = try? await connection.send([publication(event, exchange: "celeryev")])
    }

    func publication(_ task: RawTask, exchange: String) -> RedisCommand {
        var task = task
        task.exchange = exchange
        return RedisCommand(
            "PUBLISH",
            keys.channel(of: exchange, routingKey: task.routingKey),
            KombuEnvelope.encode(task)
        )
    }
}

extension RedisBroker {
    /// Where workers on this Redis show that they live.
    var registry: WorkerRegistry { WorkerRegistry(channels: keys.lifeLinePrefix, workers: keys.workers) }

    /// Lua for scripts that settle a delivery together with something else; see `BrokerScripts.release`.
    static var settlementScriptPart: String { BrokerScripts.release }
}
