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
    func message(_ task: BrokerMessage) -> (list: String, envelope: [UInt8]) {
        (keys.list(of: task.routingKey, priority: task.priority), KombuEnvelope.encode(task))
    }

    func publish(_ task: BrokerMessage) async throws {
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
        // Events are for the moment: without a connection they are dropped, not kept back.
        guard let connection = client.present else { return }
        var event = event
        event.isPersistent = false
        _ = try? await connection.send([publication(event, exchange: "celeryev")])
    }

    func publication(_ task: BrokerMessage, exchange: String) -> RedisCommand {
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

// MARK: - Asking

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
            // Redis tells how many listen: so many answers are waited for.
            let listeners = try await client.send(publication(message, exchange: "celery.pidbox"))
            sent()
            try await answers(listeners.integer ?? 0, in: keys.list(of: queue), within: time, heard)
        } catch {
            await forget(queue, bindings, member)
            throw error
        }
        await forget(queue, bindings, member)
    }

    /// Reads answers on a connection of its own, as it waits there.
    private func answers(
        _ count: Int,
        in list: String,
        within time: Duration,
        _ heard: @Sendable (BrokerMessage) -> Void
    ) async throws {
        guard count > 0 else { return }
        let deadline = ContinuousClock.now + time
        let connection = try await RedisConnection.connect(client.options) { _ in }
        defer { connection.close() }
        for _ in 0..<count {
            let rest = ContinuousClock.now.duration(to: deadline)
            // 0 would be for ever.
            guard rest > .milliseconds(1), !Task.isCancelled else { return }
            let answer = try await connection.send([RedisCommand("BRPOP", list, rest.inSeconds)]).first
            guard let bytes = answer?.elements?.last?.bytes else { return }
            heard(try KombuEnvelope.decode(bytes).task)
        }
    }

    private func forget(_ queue: String, _ bindings: String, _ member: String) async {
        // What is left of it would lie there; an answer that comes later has an end of its own.
        _ = try? await client.send([
            RedisCommand("SREM", bindings, member), RedisCommand("DEL", keys.list(of: queue)),
        ])
    }
}

// MARK: - Waiting

extension RedisBroker {
    func waiting(in queue: String) async throws -> Int {
        try await client.send(keys.lists(of: queue).map { RedisCommand("LLEN", $0) }).reduce(0) { count, answer in
            guard let length = answer.integer else { throw CeleryError(.server, "Redis has no length of “\(queue)”.") }
            return count + length
        }
    }
}

// MARK: - Sweep

extension RedisBroker {
    /// Gives messages back whose worker is dead, and those whose time has come, until the task is cancelled. Every process
    /// with a broker does it; what several do at once is done once.
    func sweep() async {
        var monitor = WorkerMonitor(options.terms)
        var nextAudit = ContinuousClock.now
        while !Task.isCancelled {
            var wait = options.sweep
            do {
                if let next = try await wakeParked() { wait = min(wait, next) }
                if .now >= nextAudit {
                    _ = try await client.run(BrokerScripts.audit, keys: [keys.holders, keys.workers])
                    nextAudit = .now + options.audit
                }
                for worker in try await monitor.dead(on: client, registry) { try await rescue(from: worker) }
            } catch {
                monitor.forget()
                logger.debug("Workers cannot be looked at now.", metadata: ["error": "\(error)"])
            }
            await parked.wait(atMost: wait)
        }
    }

    /// Gives messages back whose time has come.
    ///
    /// - Returns: the time to the next, nil when there is none.
    private func wakeParked() async throws -> Duration? {
        let answer = try await client.run(BrokerScripts.due, keys: [keys.eta, keys.parked])
        guard let next = answer.integer, next >= 0 else { return nil }
        return .milliseconds(next)
    }

    /// Gives back all that a dead worker held.
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
            if count > 0 {
                logger.warning(
                    "Messages are back in their queues: their worker is dead.",
                    metadata: ["worker": "\(worker.worker)", "count": "\(count)"]
                )
            }
            // Others do the same, or the worker lives after all.
            guard messages.count == most, count > 0 else { return }
        }
    }

    /// - Parameter message: Tag, holder and entry, as the script `held` gives them.
    private func restoration(of message: [RedisValue], from worker: WorkerMonitor.Suspect) -> RedisScriptCall {
        let tag = message[0].text ?? ""
        do {
            let envelope = try KombuEnvelope.envelope(ofEntry: message[2].bytes ?? [])
            return BrokerScripts.rescue.call(
                keys: [keys.unacked, keys.unackedIndex, keys.holders, keys.workers],
                arguments: [
                    tag, message[1].text ?? "", worker.score, KombuEnvelope.redelivered(envelope).serialized(),
                ]
            )
        } catch {
            return refusal(of: tag, from: worker.worker, reason: "\(error)", queue: "")
        }
    }

    /// Puts a message away that cannot be read.
    func refusal(of tag: String, from worker: String, reason: String, queue: String) -> RedisScriptCall {
        BrokerScripts.refuse.call(
            keys: [keys.unacked, keys.unackedIndex, keys.holders, keys.rejected],
            arguments: [tag, worker, options.rejectedLimit, reason, queue]
        )
    }
}

extension Duration {
    /// The time in seconds, as scripts take it.
    var inSeconds: String {
        let (seconds, attoseconds) = components
        return String(Double(seconds) + Double(attoseconds) / 1e18)
    }
}

/// The deliveries that a worker holds on a Redis broker. They are its own as long as it lives; their places in Celery's index
/// are refreshed along with its lease, so that no Python worker takes them after the visibility timeout.
final class HeldTags: Sendable {
    private let worker: WorkerIdentity
    private let keys: RedisKeys
    private let logger: Logger
    private let tags = Mutex<Set<String>>([])

    init(_ worker: WorkerIdentity, keys: RedisKeys, logger: Logger) {
        self.worker = worker
        self.keys = keys
        self.logger = logger
    }

    func hold(_ tag: String) {
        tags.withLock { _ = $0.insert(tag) }
    }

    func release(_ tag: String) {
        tags.withLock { _ = $0.remove(tag) }
    }

    func release(_ deliveries: [Delivery]) {
        tags.withLock { tags in
            for delivery in deliveries { tags.remove(delivery.tag) }
        }
    }

    /// What refreshes their places.
    var refresh: RedisScriptCall {
        BrokerScripts.refresh.call(
            keys: [keys.unackedIndex, keys.holders],
            arguments: [worker.id] + Array(tags.withLock { $0 })
        )
    }

    /// Takes in the answer: the deliveries that are this worker's no more.
    func take(_ answer: RedisValue) {
        let lost = (answer.elements ?? []).compactMap(\.text)
        let gone = tags.withLock { tags in lost.filter { tags.remove($0) != nil } }
        guard !gone.isEmpty else { return }
        logger.warning(
            "Messages of this worker were given to others, as its lease was over. They may run twice.",
            metadata: ["count": "\(gone.count)"]
        )
    }
}
