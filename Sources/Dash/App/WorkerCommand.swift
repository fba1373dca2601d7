import ArgumentParser
import DashJSON
import Jobs
import Logging

/// `worker`: runs jobs of the site's queue, with the options of Celery's `worker`.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run jobs of the site's queue until SIGTERM.",
        discussion: """
            On SIGTERM and Ctrl-C, running jobs finish first; a second Ctrl-C, or SIGQUIT, kills them, and they run again \
            elsewhere. No message taken from the queue is lost, however the worker ends.

            Environment: the queue's address (REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND, if the program \
            reads them), DASH_SECRET_KEY (the same as on the web servers, for app.launchID), LOG_LEVEL.
            """
    )

    @Option(name: [.short, .long], help: "The number of concurrent jobs. (default: the number of cores)")
    var concurrency: Int?

    @Option(
        name: [.customShort("Q"), .long],
        help: "The queues to consume, separated by commas. (default: the site's own)"
    )
    var queues: String?

    @Option(
        name: [.customShort("n"), .long],
        help: "The worker's name: %h is the host with its domain, %n the host, %d the domain. (default: dash@%h)"
    )
    var hostname: String?

    @Flag(
        name: [.customShort("E"), .customLong("events"), .customLong("task-events")],
        help: "Send task events from the start, for Flower and celery events."
    )
    var sendsEvents = false

    @Flag(name: .customLong("track-started"), help: "Report the STARTED state.")
    var tracksStarted = false

    @Option(help: "Replace a worker process after this many jobs. (default: never)")
    var maxTasksPerChild: Int?

    @Option(help: "Kill a job after this many seconds. (default: never)")
    var timeLimit: Double?

    @Option(help: "Cancel a job after this many seconds, so that it can clean up. (default: never)")
    var softTimeLimit: Double?

    @Option(help: "The number of messages reserved per process, including the running one.")
    var prefetchMultiplier = 1

    @Flag(help: "Do not send the heartbeats, every two seconds, for Flower and celery events.")
    var withoutHeartbeat = false

    @Option(
        name: .customLong("pidfile"),
        help: "The file for the process id while the worker runs; %n is the worker's name before the @, %h the rest."
    )
    var pidFile: String?

    @Flag(help: "Accepted for Celery's unit files, without effect: these workers do not gossip.")
    var withoutGossip = false

    @Flag(help: "Do not fetch the revoked tasks from the other workers at start.")
    var withoutMingle = false

    @Option(
        name: [.short, .customLong("loglevel"), .customLong("log-level")],
        help: "DEBUG, INFO, WARNING, ERROR or CRITICAL. (default: INFO)",
        transform: WorkerCommand.level
    )
    var logLevel: Logger.Level?

    func validate() throws {
        try Self.demand(concurrency.map { $0 >= 1 }, "Invalid --concurrency. Use 1 or more.")
        try Self.demand(maxTasksPerChild.map { $0 >= 1 }, "Invalid --max-tasks-per-child. Use 1 or more.")
        try Self.demand(prefetchMultiplier >= 1, "Invalid --prefetch-multiplier. Use 1 or more.")
        for limit in [timeLimit, softTimeLimit] {
            try Self.demand(limit.map { $0 > 0 && $0 < 1e9 }, "Invalid time limit. Use a number of seconds above 0.")
        }
        if let soft = softTimeLimit, let hard = timeLimit {
            try Self.demand(soft < hard, "--soft-time-limit must be shorter than --time-limit.")
        }
        try Self.demand(queues.map { !names(in: $0).isEmpty }, "--queues is empty. Name at least one queue.")
        try Self.demand(hostname.map { !$0.isEmpty }, "--hostname is empty. Use a name such as dash@%h.")
        try Self.demand(pidFile.map { !$0.isEmpty }, "--pidfile is empty. Use a file's path.")
    }

    var options: JobWorkerOptions {
        var options = JobWorkerOptions()
        options.concurrency = concurrency
        options.queues = queues.map(names) ?? []
        options.hostname = hostname
        options.sendsEvents = sendsEvents
        options.tracksStarted = tracksStarted
        options.maxTasksPerChild = maxTasksPerChild
        options.timeLimit = timeLimit.map { .seconds($0) }
        options.softTimeLimit = softTimeLimit.map { .seconds($0) }
        options.prefetchMultiplier = prefetchMultiplier
        options.sendsHeartbeats = !withoutHeartbeat
        options.mingles = !withoutMingle
        options.pidFile = pidFile
        return options
    }

    /// A notice about options without effect.
    var note: String? {
        withoutGossip ? "--without-gossip has no effect: these workers do not gossip." : nil
    }

    private func names(in list: String) -> [String] {
        list.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    private static func demand(_ condition: Bool?, _ sentence: String) throws {
        if condition == false { throw ValidationError(sentence) }
    }

    private static func level(_ name: String) throws -> Logger.Level {
        switch name.lowercased() {
        case "warn": return .warning
        case "fatal": return .critical
        case let name:
            guard let level = Logger.Level(rawValue: name) else {
                throw ValidationError("Invalid log level “\(name)”. Use DEBUG, INFO, WARNING, ERROR or CRITICAL.")
            }
            return level
        }
    }
}

extension Logger {
    /// The site's logger.
    ///
    /// - Parameter level: The name of the log level; an unknown name means info.
    static func site(_ level: String?) -> Logger {
        var logger = Logger(label: "dash")
        if let level = level.flatMap({ Logger.Level(rawValue: $0.lowercased()) }) { logger.logLevel = level }
        return logger
    }
}

/// The code of a worker process: finds the callback of a job among the site's apps and runs it.
struct JobWorker: Sendable {
    let site: DashSite

    /// Runs jobs until the server ends this process.
    func serve() async -> Never {
        await WorkerProcess.serve { task, channel in try await run(task, channel) }
    }

    /// Runs one job.
    ///
    /// - Returns: The encoded outcome.
    /// - Throws: An error of the callback, or ``DashError`` for a job of another program.
    func run(_ task: WorkerTask, _ channel: WorkerChannel) async throws -> [UInt8] {
        guard let callback = site.backgroundCallback(ofJob: task.name) else {
            throw DashError(.invalidRequest, "This program has no background callback for the job \(task.name).")
        }
        let context = try CallbackContext(decoding: task.payload) { event in
            switch event {
            case .progress(let updates): channel.progress(Self.body(updates))
            case .setProps(let updates): channel.setProps(Self.body(updates))
            }
        }
        return try await callback.run(in: context).encoded.bytes
    }

    /// `[[id, property, value], …]`, the form that the job manager merges.
    private static func body(_ updates: [PropertyUpdate]) -> [UInt8] {
        updates.map { PropertyValue(id: $0.ref.id.text, property: $0.ref.property, value: $0.value) }.jsonBytes()
    }
}
