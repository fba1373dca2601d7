import ArgumentParser
import Jobs
import JobsCelery
import Logging
import ServiceLifecycle

/// The command, with the options of a site's own `worker`.
struct FixtureWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "celery-fixture")

    @Option(name: .shortAndLong, help: "How many tasks run at once.")
    var concurrency: Int?

    @Option(name: [.customShort("Q"), .long], help: "The queues, with commas.")
    var queues: String = ""

    @Option(name: [.customShort("n"), .long], help: "The node's name.")
    var hostname: String?

    @Flag(name: [.customShort("E"), .long], help: "Events about tasks are sent from the start.")
    var events = false

    @Flag(help: "The begin of a task is stored as its state STARTED.")
    var trackStarted = false

    @Option(help: "A process is replaced after so many tasks.")
    var maxTasksPerChild: Int?

    @Option(help: "A task is killed after so many seconds.")
    var timeLimit: Double?

    @Option(help: "A task is cancelled after so many seconds.")
    var softTimeLimit: Double?

    @Option(help: "So many messages are held for each process.")
    var prefetchMultiplier: Int = 1

    @Flag(help: "No heartbeats are sent.")
    var withoutHeartbeat = false

    @Flag(help: "The others are not asked what is revoked.")
    var withoutMingle = false

    @Option(help: "A file for the process's number.")
    var pidfile: String?

    @Option(help: "Before the keys of jobs in Redis.")
    var keyPrefix: String = "dash:"

    @Option(help: "Before the broker's keys in Redis.")
    var brokerKeyPrefix: String = ""

    @Option(help: "Before the keys of results in Redis.")
    var resultKeyPrefix: String = ""

    @Option(help: "From SIGUSR1 to SIGUSR2, or for so many seconds, loops and threads of tasks stand still.")
    var stall: Int?

    @Option(help: "After so many seconds without a word a worker counts as dead.")
    var lease: Double?

    @Option(help: "After so many seconds a task's message is kept in Redis, on RabbitMQ.")
    var handOver: Double?

    @Option(help: "The level of the log, on the standard error output.")
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
        guard let manager = try CeleryManager.fromEnvironment(places) else {
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
