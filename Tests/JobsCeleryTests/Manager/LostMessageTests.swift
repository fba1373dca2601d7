import DashJSON
import Foundation
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Jobs whose messages are lost",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct LostMessageTests {
    @Test("F12: jobs whose messages `celery purge` removed still run", .enabled(if: PythonProgram.isAvailable))
    func purged() async throws {
        var site = TestSite(try await RedisServer.shared().database())
        site.settings.doubt = .milliseconds(200)
        let manager = site.manager()
        try await whileRunning(manager) {
            let ids = try await started(3, manager)
            let address = "\(try await RedisServer.shared().address)/\(site.url.database)"
            #expect(try await purge(address, queue: "dash") == [3])
            try await runAll(ids, manager, try site.worker(), site.executor)
        }
    }

    /// How a queue of RabbitMQ loses its messages.
    enum Loss: CaseIterable, Sendable {
        case purged, deleted
    }

    @Test(
        "F12: jobs whose RabbitMQ queue was purged or deleted still run",
        .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
        .enabled(if: PythonProgram.isAvailable),
        arguments: Loss.allCases
    )
    func lostByRabbit(_ loss: Loss) async throws {
        let server = try await RabbitServer.shared()
        let results = try await RedisServer.shared().database()
        let (name, executor) = ("dash-\(JobID.new)", TestExecutor())
        var settings = RecordSettings(isBroker: false)
        settings.doubt = .milliseconds(200)
        func queue() throws -> CeleryConnections { try CeleryConnections(try server.url, name, results) }
        // With the default `doubt`, so that it does not resend messages in transit.
        let starting = CeleryJobManager(try queue(), name, RecordSettings(isBroker: false))
        let ids = try await whileRunning(starting) { try await started(3, starting) }
        switch loss {
        case .purged: #expect(try await purge(server.address, queue: name, arguments: ["x-max-priority"]) == [3])
        case .deleted: try await server.control("delete_queue", name)
        }
        let manager = CeleryJobManager(try queue(), name, settings)
        try await whileRunning(manager) {
            let worker = try SettledManager.worker(executor, try queue(), name, settings, UpdateLedger())
            try await runAll(ids, manager, worker, executor)
        }
    }

    @Test("F12: jobs whose messages were in another Redis than their records, which lost them, still run")
    func lostByOtherRedis() async throws {
        let messages = try await RedisServer.shared().database()
        let results = try await RedisServer.shared().database()
        let executor = TestExecutor()
        var settings = RecordSettings(isBroker: false)
        settings.doubt = .milliseconds(200)
        func queue() -> (CeleryConnections, RedisBroker) {
            let options = RedisOptions.patient(results)
            let (client, subscriber) = (ReconnectingRedisClient(options), RedisPubSub(options))
            let broker = RedisBroker.patient(messages)
            return (CeleryConnections(broker, client, subscriber, options, [client, subscriber, broker]), broker)
        }
        let (here, broker) = queue()
        let starting = CeleryJobManager(here, "dash", RecordSettings(isBroker: false))
        let ids = try await whileRunning(starting) {
            let ids = try await started(3, starting)
            #expect(try await broker.waiting(in: "dash") == 3)
            _ = try await broker.client.send(RedisCommand("FLUSHDB"))
            return ids
        }
        let manager = CeleryJobManager(queue().0, "dash", settings)
        try await whileRunning(manager) {
            let worker = try SettledManager.worker(executor, queue().0, "dash", settings, UpdateLedger())
            try await runAll(ids, manager, worker, executor)
        }
    }

    private func started(_ count: Int, _ manager: CeleryJobManager) async throws -> [JobID] {
        var ids: [JobID] = []
        for number in 0..<count { ids.append(try await manager.start(JobRequest(name: "\(number)"))) }
        return ids
    }

    /// Purges as `celery purge` does; returns the number of removed messages.
    private func purge(_ broker: String, queue: String, arguments: [String] = []) async throws -> [JSON] {
        try await PythonProgram.run(
            """
            import sys, celery, kombu
            app = celery.Celery(broker=sys.argv[1])
            arguments = {name: 10 for name in sys.argv[3:]}
            app.conf.task_queues = [kombu.Queue(sys.argv[2], queue_arguments=arguments)]
            print(app.control.purge())
            """,
            [broker, queue] + arguments
        )
    }

    /// Expects each job to run once and to have its own result.
    private func runAll(
        _ ids: [JobID],
        _ manager: CeleryJobManager,
        _ worker: WorkerServices,
        _ executor: TestExecutor
    ) async throws {
        try await whileRunning(worker) {
            for _ in ids {
                let run = await executor.next()
                run.succeed(run.task.name)
            }
            for (number, id) in ids.enumerated() {
                let end = try await manager.update(of: id) { _ in false }
                #expect(end?.result?.description == "\(number)")
                #expect(end?.attempt == 1)
            }
            #expect(executor.executedCount == ids.count)
        }
    }
}

extension CeleryJobManager {
    /// A web server's manager whose messages and records are in different stores.
    convenience init(_ queue: CeleryConnections, _ name: String, _ settings: RecordSettings) {
        var settings = settings
        settings.options.queue = name
        let records = JobRecords(connections: queue, settings: settings)
        self.init(records, JobBackendSetup(logger: .quiet), tick: .milliseconds(50))
    }
}
