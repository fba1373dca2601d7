import ArgumentParser
import Jobs
import JobsCelery
import JobsRabbitMQ
import Logging
import ServiceLifecycle

/// The worker command, with the options of a site's `worker`.
struct FixtureWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "celery-fixture")

    @Option(name: .shortAndLong, help: "Number of tasks that run at once.")
    var concurrency: Int?

    @Option(name: [.customShort("Q"), .long], help: "The queues, separated by commas.")
    var queues: String = ""

    @Option(name: [.customShort("n"), .long], help: "The node's name.")
    var hostname: String?

    @Flag(name: [.customShort("E"), .long], help: "Send events about tasks from the start.")
    var events = false

    @Flag(help: "Report the STARTED state.")
    var trackStarted = false

    @Option(help: "Replace a process after this number of tasks.")
    var maxTasksPerChild: Int?

    @Option(help: "Kill a task after this number of seconds.")
    var timeLimit: Double?

    @Option(help: "Cancel a task after this number of seconds.")
    var softTimeLimit: Double?

    @Option(help: "Number of messages to hold for each process.")
    var prefetchMultiplier: Int = 1

    @Flag(help: "Do not send heartbeats.")
    var withoutHeartbeat = false

    @Flag(help: "Do not ask other workers for revoked tasks.")
    var withoutMingle = false

    @Option(help: "File for the process id.")
    var pidfile: String?

    @Option(help: "Prefix of the keys of jobs in Redis.")
    var keyPrefix: String = "dash:"

    @Option(help: "Prefix of the broker's keys in Redis.")
    var brokerKeyPrefix: String = ""

    @Option(help: "Prefix of the keys of results in Redis.")
    var resultKeyPrefix: String = ""

    @Option(help: "Block event loops and task threads from SIGUSR1 to SIGUSR2, or for this number of seconds.")
    var stall: Int?

    @Option(help: "Seconds without a renewal after which a worker counts as dead.")
    var lease: Double?

    @Option(help: "Seconds after which a task's message moves from RabbitMQ to Redis.")
    var handOver: Double?

    @Option(help: "Log level; the log is written to standard error.")
    var loglevel: String = "info"

    func run() async throws {
        var logger = Logger(label: "celery-fixture", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = Logger.Level(rawValue: loglevel) ?? .info
        let setup = JobBackendSetup(
            jobs: fixtureTasks.keys.sorted().map { name in
                let retries: RetryPolicy = name == "flaky" ? .upTo(2, backoff: .constant(.milliseconds(100))) : .none
                return JobDefinition(name: name, taskName: "fixture.\(name)", version: "1", retries: retries)
            },
            codec: CallCodec(),
            logger: logger
        )
        let worker = try manager().makeWorker(setup, options: options)
        let stalling = stall.map { Stalling(seconds: $0) }
        defer { stalling?.end() }
        let code = try await WorkerSignals.run(worker, logger: logger)
        throw ExitCode(code)
    }

    private var places: CeleryManager.Options {
        var options = CeleryManager.Options()
        if let lease { options.lease = .seconds(lease) }
        if let handOver { options.handOver = .seconds(handOver) }
        options.keyPrefix = keyPrefix
        options.brokerKeyPrefix = brokerKeyPrefix
        options.resultKeyPrefix = resultKeyPrefix
        return options
    }

    private func manager() throws -> CeleryManager {
        guard let manager = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ], options: places) else {
            throw ValidationError("Set REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND.")
        }
        return manager
    }

    private var options: JobWorkerOptions {
        var options = JobWorkerOptions()
        options.concurrency = concurrency
        options.queues = queues.split(separator: ",").map(String.init)
        options.hostname = hostname
        options.tracksStarted = trackStarted
        options.sendsEvents = events
        options.maxTasksPerChild = maxTasksPerChild
        options.timeLimit = timeLimit.map { .seconds($0) }
        options.softTimeLimit = softTimeLimit.map { .seconds($0) }
        options.prefetchMultiplier = prefetchMultiplier
        options.sendsHeartbeats = !withoutHeartbeat
        options.mingles = !withoutMingle
        options.pidFile = pidfile
        return options
    }
}
