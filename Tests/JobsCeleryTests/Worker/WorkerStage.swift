import DashJSON
import Foundation
import Jobs
import Logging
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ
@testable import RedisClient

/// The brokers of worker tests.
enum StageBroker: String, CaseIterable, CustomTestStringConvertible {
    case redis
    case rabbit

    var testDescription: String { rawValue }

    static var available: [StageBroker] {
        (RedisServer.isAvailable ? [.redis] : [])
            + (RedisServer.isAvailable && RabbitServer.isAvailable ? [.rabbit] : [])
    }
}

/// Worker programs on one queue, and a caller of their tasks.
final class WorkerStage: Sendable {
    let queue = "q-\(UUID().uuidString)"
    let broker: any CeleryBroker
    let results: RedisResults
    let redis: any RedisClient
    private let channels: RedisPubSub
    /// The addresses of the broker and the results, for programs.
    let environment: [String: String]
    private let services: [any Service]

    init(_ kind: StageBroker, rabbit: RabbitServer? = nil) async throws {
        let server = try await RedisServer.shared()
        let url = try await server.database()
        let own = RedisBroker.patient(url)
        redis = own.client
        channels = own.subscriber
        results = RedisResults(redis: own.client)
        let address = "\(server.address)/\(url.database)"
        switch kind {
        case .redis:
            broker = own
            services = [own]
            environment = ["REDIS_URL": address]
        case .rabbit:
            let server: RabbitServer
            if let rabbit { server = rabbit } else { server = try await .shared() }
            let rabbit = try RabbitBroker(try server.url.patient, options: .patient, logger: .quiet)
            broker = rabbit
            services = [own, rabbit]
            environment = ["CELERY_BROKER_URL": server.address, "CELERY_RESULT_BACKEND": address]
        }
    }

    /// Runs the caller's connections while the body runs.
    func run(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Starts a worker program and waits until it has run a task.
    func worker(_ arguments: String...) async throws -> WorkerProgram { try await worker(arguments) }

    func worker(_ arguments: [String]) async throws -> WorkerProgram {
        let worker = try start(arguments)
        let id = try await send("noop")
        _ = try await end(of: id)
        return worker
    }

    /// Starts a worker program.
    func start(_ arguments: String...) throws -> WorkerProgram { try start(arguments) }

    func start(_ arguments: [String], log: LogFile? = nil) throws -> WorkerProgram {
        let level = arguments.contains("--loglevel") ? [] : ["--loglevel", log == nil ? "warning" : "info"]
        return try WorkerProgram(["--queues", queue] + level + arguments, environment, log: log)
    }

    /// Sends a task.
    func send(
        _ name: String,
        _ arguments: [JSON] = [],
        change: (inout TaskMessage) -> Void = { _ in }
    ) async throws -> String {
        let text = RawJSON(json: .array(arguments))
        var message = TaskMessage(task: "fixture.\(name)", id: UUID().uuidString.lowercased(), arguments: text)
        change(&message)
        try await broker.publish(message.raw(queue: queue))
        return message.id
    }

    /// How many messages are left, in the queue or at a worker.
    func left() async throws -> Int {
        if let rabbit = broker as? RabbitBroker { return try await rabbit.count(queue) }
        let counts = try await redis.send([RedisCommand("HLEN", "unacked"), RedisCommand("LLEN", queue)])
        return counts.compactMap(\.integer).reduce(0, +)
    }

    /// The states of a task.
    func watch(_ id: String) async throws -> WatchedResult { try await channels.watch(id, in: results) }

    /// Waits for the result of a task.
    func end(of id: String) async throws -> ResultMeta {
        for await meta in try await watch(id) where meta.status.isReady { return meta }
        throw NeverEnded(id: id)
    }

    /// Sends a task and waits for its result.
    func call(_ name: String, _ arguments: [JSON] = []) async throws -> ResultMeta {
        try await end(of: try await send(name, arguments))
    }
}

struct NeverEnded: Error {
    let id: String
}

/// A worker as a program.
final class WorkerProgram: Sendable {
    let process: TestServerProcess

    init(_ arguments: [String], _ environment: [String: String], log: LogFile? = nil) throws {
        var command = [Self.path] + arguments
        if let log { command = ["/bin/sh", "-c", #"exec "$@" 2>"$0""#, log.path] + command }
        process = try TestServerProcess(
            command[0],
            arguments: Array(command.dropFirst()),
            environment: environment
        )
    }

    /// The fixture, which the build puts beside the tests.
    static let path: String = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0])
        for place in [Bundle.main.bundlePath, Bundle(for: WorkerProgram.self).bundlePath] + [folder.path] {
            folder = URL(fileURLWithPath: place)
            while folder.path != "/" {
                let file = folder.appendingPathComponent("celery-fixture").path
                if FileManager.default.isExecutableFile(atPath: file) { return file }
                folder.deleteLastPathComponent()
            }
        }
        return "/celery-fixture-was-not-built"
    }()

    /// Kills it with SIGKILL.
    func kill() { process.end(SIGKILL) }

    /// Waits until it exits and returns its exit code; nil if a signal ended it.
    func exitCode() async -> Int32? {
        await withCheckedContinuation { caller in
            let pid = process.pid
            Thread {
                var information = siginfo_t()
                while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
                caller.resume(returning: information.si_code == CLD_EXITED ? information.exitStatus : nil)
            }.start()
        }
    }
}

extension siginfo_t {
    fileprivate var exitStatus: Int32 { _sifields._sigchld.si_status }
}

/// A file for a program's log.
final class LogFile: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var text: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    /// Waits until the log contains a text.
    func wait(for line: String, at place: SourceLocation = #_sourceLocation) async throws {
        try await until(at: place) { text.contains(line) }
    }
}

/// A file where tasks mark their start and end. The task `gate` waits between the two until it is opened.
final class MarkFile: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("marks-\(UUID().uuidString)").path

    deinit { for file in [path, path + ".open"] { try? FileManager.default.removeItem(atPath: file) } }

    /// Releases all tasks that wait for it, now and later.
    func open() { _ = FileManager.default.createFile(atPath: path + ".open", contents: nil) }

    /// The marks in order: `start`, `end`.
    var marks: [(what: String, process: Int32, time: Double)] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, let process = Int32(words[1]), let time = Double(words[2]) else { return nil }
            return (String(words[0]), process, time)
        }
    }

    func count(_ what: String) -> Int { marks.filter { $0.what == what }.count }

    /// Waits for a number of marks.
    func wait(for what: String, count: Int = 1, at place: SourceLocation = #_sourceLocation) async throws {
        try await until(at: place) { self.count(what) >= count }
    }
}
