import ArgumentParser
import DashJSON
import Jobs
import JobsCelery
import JobsRabbitMQ
import Logging
import ServiceLifecycle

/// Runs a task on another program's workers, as a page of a site does, and prints each update as a line of JSON.
struct FixtureSender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "send")

    @Argument(help: "The task's name.")
    var task: String

    @Argument(help: "The queue of its workers.")
    var queue: String

    @Argument(help: "The positional arguments as a JSON array.")
    var arguments: String

    @Flag(help: "Cancel the task at its first progress.")
    var cancel = false

    @Option(help: "Prefix of the broker's keys in Redis.")
    var brokerKeyPrefix: String = ""

    @Option(help: "Prefix of the keys of results in Redis.")
    var resultKeyPrefix: String = ""

    func run() async throws {
        let logger = Logger(label: "celery-fixture") { StreamLogHandler.standardError(label: $0) }
        let setup = JobBackendSetup(jobs: [], codec: MetaCodec(), logger: logger)
        var options = CeleryManager.Options()
        options.brokerKeyPrefix = brokerKeyPrefix
        options.resultKeyPrefix = resultKeyPrefix
        let manager = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ], options: options)!.makeManager(
            setup
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await manager.run() }
            try await follow(manager)
            group.cancelAll()
        }
    }

    private func follow(_ manager: any JobManager) async throws {
        let remote = RemoteTask(name: task, queue: queue, arguments: RawJSON(unchecked: Array(arguments.utf8)))
        let id = try await manager.start(JobRequest(name: "remote", remote: remote))
        var known = 0
        while let news = try await manager.nextUpdate(of: id, after: known) {
            known = news.sequence
            printUpdate(id, news)
            if news.state.isFinished { return }
            if cancel, !news.progress.isEmpty { try await manager.cancel(id, reason: "as requested") }
        }
    }

    private func printUpdate(_ id: JobID, _ news: JobUpdate) {
        let line: JSON = [
            "id": .string(id.text), "state": .string("\(news.state)"),
            "progress": news.progress.first.flatMap { try? JSON(parsing: $0.value.bytes) } ?? .null,
            "result": news.result.flatMap { try? JSON(parsing: $0.bytes) } ?? .null,
            "failure": news.failure.map { .string($0.message) } ?? .null,
        ]
        print(line.text)
    }
}

/// Passes on the progress of another program unchanged.
struct MetaCodec: JobCodec {
    private let plain = PlainJobCodec()

    func encode(payload: [UInt8], of job: String) -> (arguments: RawJSON, extra: RawJSON) {
        plain.encode(payload: payload, of: job)
    }

    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) -> [UInt8] {
        plain.payload(of: job, arguments: arguments, kwargs: kwargs, extra: extra)
    }

    func value(ofResult result: [UInt8], of job: String) -> RawJSON { plain.value(ofResult: result, of: job) }

    func result(ofValue value: RawJSON, of job: String) -> [UInt8] { value.bytes }

    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] {
        [PropertyValue(id: "progress", property: "meta", value: meta)]
    }
}
