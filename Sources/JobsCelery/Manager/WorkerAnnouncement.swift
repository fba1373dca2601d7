import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Makes known that a worker lives and how many jobs it runs at once, as long as it does. A service.
///
/// It has a thread and connections of its own: however busy the process is, it is not taken for dead; one that is stopped is.
struct WorkerAnnouncement: Service {
    let records: JobRecords
    let redis: RedisOptions
    let worker: WorkerIdentity
    let concurrency: @Sendable () -> Int

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var options = redis
        options.name = "dash-life"
        options.group = group
        let client = ReconnectingRedisClient(options)
        let channels = RedisPubSub(options)
        // A lease ends by time and is renewed by time.
        let renewal = TimeAmount(records.settings.lease / 4)
        let timer = group.next().scheduleRepeatedTask(initialDelay: .milliseconds(1), delay: renewal) { _ in
            if let connection = client.present { renew(connection) }
        }
        let life = channels.subscribe(to: records.settings.keys.lifeLine(of: worker.id)) { _ in }
        let end = await Self.result {
            try await cancelWhenGracefulShutdown {
                try await withThrowingDiscardingTaskGroup { tasks in
                    tasks.addTask { await client.keepConnected() }
                    tasks.addTask { await channels.keepConnected() }
                    tasks.addTask { for await push in client.pushes() where push == nil { client.present.map(renew) } }
                    tasks.addTask { try await Self.expectChannels(life) }
                    tasks.addTask { await warnOfNamesake(client, life) }
                }
            }
        }
        life.end()
        timer.cancel()
        try? await group.shutdownGracefully()
        try end.get()
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// Ends the worker at its start where Redis refuses channels: jobs would break half-way, where a script tells of them.
    private static func expectChannels(_ life: RedisPubSub.Handle) async throws {
        do {
            try await life.confirmed()
        } catch let error as CeleryError where error.code == .refused {
            throw error
        } catch {
            // There is no Redis yet.
        }
    }

    private func renew(_ connection: RedisConnection) {
        connection.submit([announcement.command(whole: true)]) { _ in }
    }

    private var announcement: RedisScriptCall {
        RecordScripts.announce.call(
            keys: records.keys,
            arguments: ["", "", worker.id, "\(records.settings.lease / .seconds(1))", concurrency()]
        )
    }

    /// Says so if a worker that lives has the same name: both answer to it, and Celery's tools take them for one.
    private func warnOfNamesake(_ client: ReconnectingRedisClient, _ life: RedisPubSub.Handle) async {
        do {
            // First its own signs of life: of two that start at once the later sees the earlier.
            try await life.confirmed()
            _ = try await client.send(announcement.command(whole: true))
            guard try await !namesakes(client).isEmpty else { return }
        } catch {
            redis.logger.debug("Whether the worker's name is its own is not known.", metadata: ["error": "\(error)"])
            return
        }
        redis.logger.warning(
            """
            Another worker that runs has the name “\(worker.node)” too, so that Celery's tools take both for one. Give each \
            its own: --hostname worker1@%h
            """
        )
    }

    /// The other workers of this name that live.
    private func namesakes(_ client: ReconnectingRedisClient) async throws -> [String] {
        let start = records.settings.keys.lifeLinePrefix
        let pattern = (start + worker.node).flatMap { "*?[]\\".contains($0) ? ["\\", $0] : [$0] } + ".*"
        let channels = try await client.send(RedisCommand("PUBSUB", "CHANNELS", String(pattern)))
        let ids = (channels.elements ?? []).compactMap(\.text).map { String($0.dropFirst(start.count)) }
        // Behind the name and a dot is what tells workers of one name apart, and no dot.
        let others = ids.filter { $0 != worker.id && !$0.dropFirst(worker.node.count + 1).contains(".") }
        guard !others.isEmpty else { return [] }
        // Channels are those of all databases: who works on this one is in its list.
        let list = records.settings.prefix + "workers"
        let places = try await client.send(others.map { RedisCommand("ZSCORE", list, $0) })
        return zip(others, places).filter { $1 != .null }.map(\.0)
    }
}
