import ArgumentParser
import DashJSON
import Jobs
import Logging

/// `worker`: runs jobs of the site's queue, with the options of Celery's own command.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run jobs of the site's queue until SIGTERM.",
        discussion: """
            SIGTERM and Ctrl-C let running jobs finish first; a second Ctrl-C, or SIGQUIT, kills them, and they run again \
            elsewhere. Nothing that was taken from the queue is lost, whatever ends the worker.

            Environment: what names the queue (REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND, where the program \
            reads them), DASH_SECRET_KEY (the same as the web servers', for app.launchID), LOG_LEVEL.
            """
    )

    @Option(name: [.short, .long], help: "How many jobs run at once. (default: the number of cores)")
    var concurrency: Int?

    @Option(
        name: [.customShort("Q"), .long],
        help: "The queues to take from, with commas between. (default: the site's own)"
    )
    var queues: String?

    @Option(
        name: [.customShort("n"), .long],
        help: "The worker's name: %h is host and domain, %n the host, %d the domain. (default: dash@%h)"
    )
    var hostname: String?

    @Flag(
        name: [.customShort("E"), .customLong("events"), .customLong("task-events")],
        help: "Send events about tasks, for Flower and celery events, from the start."
    )
    var sendsEvents = false

    @Flag(
        name: .customLong("track-started"),
        help: "Report Celery's state STARTED when a task begins."
    )
    var tracksStarted = false

    @Option(help: "Replace a worker process after so many jobs. (default: never)")
    var maxTasksPerChild: Int?

    @Option(help: "Kill a job after so many seconds. (default: never)")
    var timeLimit: Double?

    @Option(help: "Cancel a job after so many seconds, so that it can tidy up. (default: never)")
    var softTimeLimit: Double?

    @Option(help: "How many messages are held for each process, those at work among them.")
    var prefetchMultiplier = 1

    @Flag(help: "Do not tell every two seconds that the worker lives, for Flower and celery events.")
    var withoutHeartbeat = false

    @Option(
        name: .customLong("pidfile"),
        help: "Keep the process's number in this file while the worker runs; %n is its name before the @, %h the rest."
    )
    var pidFile: String?

    @Flag(help: "Taken for the sake of Celery's unit files: these workers do not gossip.")
    var withoutGossip = false

    @Flag(help: "Do not ask the other workers at the start what is revoked, nor wait for their answers.")
    var withoutMingle = false

    @Option(
        name: [.short, .customLong("loglevel"), .customLong("log-level")],
        help: "DEBUG, INFO, WARNING, ERROR or CRITICAL. (default: INFO)",
        transform: WorkerCommand.level
    )
    var logLevel: Logger.Level?

    /// Says at once what cannot work.
    func validate() throws {
        try Self.demand(concurrency.map { $0 >= 1 }, "At least one job must run at once: --concurrency 1.")
        try Self.demand(maxTasksPerChild.map { $0 >= 1 }, "A worker process runs at least one job.")
        try Self.demand(prefetchMultiplier >= 1, "A worker holds at least one message for each process.")
        for limit in [timeLimit, softTimeLimit] {
            try Self.demand(limit.map { $0 > 0 && $0 < 1e9 }, "A time limit is a number of seconds above 0.")
        }
        if let soft = softTimeLimit, let hard = timeLimit {
            try Self.demand(soft < hard, "--soft-time-limit must be shorter than --time-limit.")
        }
        try Self.demand(queues.map { !names(in: $0).isEmpty }, "--queues names no queue.")
        try Self.demand(hostname.map { !$0.isEmpty }, "--hostname is empty.")
        try Self.demand(pidFile.map { !$0.isEmpty }, "--pidfile is empty.")
    }

    /// The options as a backend takes them.
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

    /// What is to be said of options that change nothing here.
    var note: String? {
        withoutGossip ? "--without-gossip: there is nothing to switch off, as workers do not gossip here." : nil
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
                throw ValidationError("“\(name)” is no log level; write DEBUG, INFO, WARNING, ERROR or CRITICAL.")
            }
            return level
        }
    }
}

extension Logger {
    /// The site's own logger.
    ///
    /// - Parameter level: the name of its level; anything else leaves it at info.
    static func site(_ level: String?) -> Logger {
        var logger = Logger(label: "dash")
        if let level = level.flatMap({ Logger.Level(rawValue: $0.lowercased()) }) { logger.logLevel = level }
        return logger
    }
}

extension DashError {
    /// The answer to `worker` where there is nothing to work for.
    static let noQueue = DashError(
        .option,
        "This site has no queue, so there is nothing for a worker to do: its server runs the jobs itself. To run them in "
            + "workers, give the site a queue in its code, as DashSite(jobs: CeleryManager(…)), and for "
            + "CeleryManager.fromEnvironment() set REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND."
    )
}

/// The side of a worker process: finds the callback of a job among the site's apps and runs it.
struct JobWorker: Sendable {
    let site: DashSite

    /// Runs jobs until the server ends this process.
    func serve() async -> Never {
        await WorkerProcess.serve { task, channel in try await run(task, channel) }
    }

    /// Runs one job.
    ///
    /// - Returns: the outcome as it is kept.
    /// - Throws: what the callback throws, ``DashError`` for a job that is none of ours.
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

    /// `[[id, property, value], …]`, as the job manager merges it.
    private static func body(_ updates: [PropertyUpdate]) -> [UInt8] {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (position, update) in updates.enumerated() {
            if position > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.byte(UInt8(ascii: "["))
            writer.string(update.ref.id.text)
            writer.byte(UInt8(ascii: ","))
            writer.string(update.ref.property)
            writer.byte(UInt8(ascii: ","))
            update.value.encode(to: &writer)
            writer.byte(UInt8(ascii: "]"))
        }
        writer.byte(UInt8(ascii: "]"))
        return writer.bytes
    }
}
