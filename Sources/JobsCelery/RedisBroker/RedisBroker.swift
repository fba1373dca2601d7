import CeleryProtocol
import DashJSON
import Logging
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// Celery's broker on Redis: kombu's lists, `unacked` and pub/sub, with additional keys for leases and delays.
///
/// A message is in exactly one place on the server at any time: fetch, acknowledge and requeue are single scripts. A
/// worker holds its messages while it is alive by `LivenessScripts.rule`; the messages of a dead worker are requeued
/// within seconds.
final class RedisBroker: CeleryBroker {
    /// Connection for commands, shared while the broker runs.
    let client: ReconnectingRedisClient
    /// Connection for channels, shared while the broker runs.
    let subscriber: RedisPubSub
    private let options: RedisBrokerOptions
    /// The options of `client`'s connection.
    private let connection: RedisOptions
    private let logger: Logger
    /// Signaled when a message is parked: it may be due before the next sweep.
    private let parked = AsyncSignal()
    private let declared = Mutex<Set<String>>([])

    init(_ url: RedisURL, options: RedisBrokerOptions = RedisBrokerOptions(), logger: Logger) {
        var options = options
        options.keys.database = url.database
        self.options = options
        self.logger = logger
        connection = options.connection(to: url, name: "dash-broker", logger: logger)
        client = ReconnectingRedisClient(connection)
        subscriber = RedisPubSub(options.connection(to: url, name: "dash-channels", logger: logger))
    }

    var keys: RedisKeys { options.keys }
    var url: RedisURL { connection.url }

    var information: JSON {
        let (hostname, port) =
            switch url.place {
            case .host(let host, let port): (host, port)
            case .socket(let path): (path, 0)
            }
        let (transport, path) = (url.tls == nil ? "redis" : "rediss", String(url.database))
        return BrokerInformation.json(
            transport,
            hostname,
            port,
            userID: url.user,
            virtualHost: path,
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

    func publish(_ task: BrokerMessage) async throws {
        let list = keys.list(of: task.routingKey, priority: task.priority)
        let push = RedisCommand("LPUSH", list, KombuEnvelope.encode(task))
        try await client.send(declaration([task.routingKey]) + [push]).checked()
        declared.withLock { _ = $0.insert(task.routingKey) }
    }

    /// Declares queues in kombu's bindings, so that Celery's tools list them.
    func declare(_ queues: [String]) async throws {
        try await client.send(declaration(queues)).checked()
        declared.withLock { $0.formUnion(queues) }
    }

    private func declaration(_ queues: [String]) -> [RedisCommand] {
        let new = declared.withLock { declared in queues.filter { !declared.contains($0) } }
        return new.flatMap { queue in
            keys.bindings(of: queue).map { RedisCommand("SADD", $0, keys.binding(routingKey: queue, queue: queue)) }
        }
    }

    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) -> any CeleryConsumer {
        RedisConsumer(self, worker: worker, queues: queues, prefetch: prefetch, options: options, logger: logger)
    }

    func broadcast(_ request: BrokerMessage) async throws {
        _ = try await client.send(publication(request, exchange: "celery.pidbox"))
    }

    func broadcasts() -> AsyncStream<BrokerMessage> {
        let (stream, continuation) = AsyncStream<BrokerMessage>.makeStream(bufferingPolicy: .bufferingNewest(1000))
        let subscription = subscriber.subscribe(to: keys.channel(of: "celery.pidbox")) { [logger] message in
            guard let message else { return }
            do {
                continuation.yield(try KombuEnvelope.decode(message.payload).task)
            } catch {
                logger.warning("Invalid broadcast request: \(error)")
            }
        }
        continuation.onTermination = { _ in subscription.end() }
        return stream
    }

    func hearsBroadcasts() async {
        // All subscribers to a channel share one subscription and its confirmation.
        let subscription = subscriber.subscribe(to: keys.channel(of: "celery.pidbox")) { _ in }
        try? await subscription.confirmed()
        subscription.end()
    }

    func reply(_ reply: BrokerMessage) async throws {
        var reply = reply
        reply.exchange = "reply.celery.pidbox"
        reply.isPersistent = false
        _ = try await client.run(
            BrokerScripts.reply,
            keys: [keys.bindings(of: reply.exchange)[0]],
            arguments: [keys.separator, reply.routingKey, keys.prefix, KombuEnvelope.encode(reply)]
        )
    }

    func publishEvent(_ event: BrokerMessage) async {
        // Events are not buffered: without a connection they are dropped.
        guard let connection = client.present else { return }
        var event = event
        event.isPersistent = false
        _ = try? await connection.send([publication(event, exchange: "celeryev")])
    }

    func publication(_ task: BrokerMessage, exchange: String) -> RedisCommand {
        var task = task
        task.exchange = exchange
        let channel = keys.channel(of: exchange, routingKey: task.routingKey)
        return RedisCommand("PUBLISH", channel, KombuEnvelope.encode(task))
    }

    /// Where workers of this broker register.
    var registry: RegistryKeys { RegistryKeys(channels: keys.lifeLinePrefix, workers: keys.workers) }
}

// MARK: - Control requests

extension RedisBroker {
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws {
        let id = UniqueID.random().text
        let queue = id + ".reply.celery.pidbox"
        let bindings = keys.bindings(of: "reply.celery.pidbox")[0]
        let member = keys.binding(routingKey: id, queue: queue)
        _ = try await client.send(RedisCommand("SADD", bindings, member))
        do {
            let message = request.answered(at: id).message()
            // PUBLISH returns the number of subscribers, which is the number of replies to expect.
            let listeners = try await client.send(publication(message, exchange: "celery.pidbox"))
            sent()
            try await answers(listeners.integer ?? 0, in: keys.list(of: queue), within: time, heard)
        } catch {
            await forget(queue, bindings, member)
            throw error
        }
        await forget(queue, bindings, member)
    }

    /// Reads replies on a separate connection, because BRPOP blocks it.
    private func answers(
        _ count: Int,
        in list: String,
        within time: Duration,
        _ heard: @Sendable (BrokerMessage) -> Void
    ) async throws {
        guard count > 0 else { return }
        let deadline = ContinuousClock.now + time
        let connection = try await RedisConnection.connect(self.connection)
        defer { connection.close() }
        for _ in 0..<count {
            let rest = ContinuousClock.now.duration(to: deadline)
            // BRPOP with a timeout of 0 never returns.
            guard rest > .milliseconds(1), !Task.isCancelled else { return }
            let answer = try await connection.send([RedisCommand("BRPOP", list, rest.inSeconds)]).first
            guard let bytes = answer?.elements?.last?.bytes else { return }
            heard(try KombuEnvelope.decode(bytes).task)
        }
    }

    private func forget(_ queue: String, _ bindings: String, _ member: String) async {
        // Remove unread replies. Later ones expire.
        _ = try? await client.send([RedisCommand("SREM", bindings, member), RedisCommand("DEL", keys.list(of: queue))])
    }
}

// MARK: - Queue length

extension RedisBroker {
    func waiting(in queue: String) async throws -> Int {
        try await client.send(keys.lists(of: queue).map { RedisCommand("LLEN", $0) }).reduce(0) { count, answer in
            guard let length = answer.integer else {
                throw CeleryError.server("Redis did not return the length of “\(queue)”.")
            }
            return count + length
        }
    }
}

// MARK: - Sweep

extension RedisBroker {
    /// The time between two searches for messages whose worker has no lease entry, not even an expired one.
    private static let auditInterval = Duration.seconds(60)
    /// Number of unreadable messages to keep.
    static let rejectedLimit = 1000

    /// Requeues the messages of dead workers and parked messages that are due, until the task is cancelled. Every
    /// process with a broker runs a sweep; concurrent sweeps requeue each message once.
    private func sweep() async {
        var monitor = WorkerMonitor(options.terms)
        var nextAudit = ContinuousClock.now
        while !Task.isCancelled {
            var wait = options.sweep
            do {
                if let next = try await wakeParked() { wait = min(wait, next) }
                if .now >= nextAudit {
                    _ = try await client.run(BrokerScripts.audit, keys: [keys.holders, keys.workers])
                    nextAudit = .now + Self.auditInterval
                }
                for worker in try await monitor.dead(on: client, registry) { try await rescue(from: worker) }
            } catch {
                monitor.forget()
                logger.debug("A sweep for dead workers failed.", metadata: ["error": "\(error)"])
            }
            await parked.wait(atMost: wait)
        }
    }

    /// A message was parked: the next sweep reads when it is due.
    func didPark() { parked.signal() }

    /// Requeues parked messages that are due.
    ///
    /// - Returns: The time until the next is due, nil if there is none.
    private func wakeParked() async throws -> Duration? {
        let answer = try await client.run(BrokerScripts.due, keys: [keys.eta, keys.parked])
        guard let next = answer.integer, next >= 0 else { return nil }
        return .milliseconds(next)
    }

    /// Requeues all messages of a dead worker.
    private func rescue(from worker: WorkerMonitor.Suspect) async throws {
        let most = 500
        while true {
            let answer = try await client.run(
                BrokerScripts.held,
                keys: [keys.unacked, keys.holders, keys.workers],
                arguments: [keys.lifeLinePrefix, worker.worker, most]
            )
            let messages = (answer.elements ?? []).compactMap(\.elements).filter { $0.count == 3 }
            guard !messages.isEmpty else { return }
            let answers = try await client.run(messages.map { restoration(of: $0, from: worker) })
            let count = answers.count { $0 == .integer(1) }
            // Another process requeued them, or the worker is alive.
            guard count > 0 else { return }
            let facts: Logger.Metadata = ["worker": "\(worker.worker)", "count": "\(count)"]
            logger.warning("Requeued the messages of a dead worker.", metadata: facts)
            guard messages.count == most else { return }
        }
    }

    /// - Parameter message: Tag, holder and entry, as returned by the script `held`.
    private func restoration(of message: [RedisValue], from worker: WorkerMonitor.Suspect) -> RedisScriptCall {
        let tag = message[0].text ?? ""
        do {
            let envelope = try KombuEnvelope.envelope(ofEntry: message[2].bytes ?? [])
            let again = KombuEnvelope.redelivered(envelope).serialized()
            let arguments: [any RedisArgument] = [tag, message[1].text ?? "", worker.score, again]
            return BrokerScripts.rescue.call(keys: keys.delivery + [keys.workers], arguments: arguments)
        } catch {
            return refusal(of: tag, from: worker.worker, reason: "\(error)", queue: "")
        }
    }

    /// Moves an unreadable message to the list of rejected messages.
    func refusal(of tag: String, from worker: String, reason: String, queue: String) -> RedisScriptCall {
        BrokerScripts.refuse.call(
            keys: keys.delivery + [keys.rejected],
            arguments: [tag, worker, Self.rejectedLimit, reason, queue]
        )
    }
}

extension Duration {
    /// Seconds, as an argument of a script.
    var inSeconds: String { String(self / .seconds(1)) }
}
