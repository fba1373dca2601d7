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
        let call = JobScripts.announce.call(
            keys: [records.settings.prefix],
            arguments: records.arguments([("worker", worker.id), ("concurrency", concurrency())])
        )
        connection.submit([call.command(whole: true)]) { _ in }
    }
}
