import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// A Redis server for tests on a free port of 127.0.0.1.
///
/// Suites that need it use `.enabled(if: RedisServer.isAvailable, RedisServer.whyNot)`: without the program they are
/// skipped, or fail if the variable CI is set. Most tests use a database of `shared()`; tests that stop the server
/// start another. A server given by DASH_TEST_REDIS_URL needs many databases (`redis-server --databases 1000`), which
/// are emptied.
final class RedisServer: Sendable {
    static let whyNot: Comment = "redis-server is not installed"
    static let isAvailable: Bool = {
        let environment = ProcessInfo.processInfo.environment
        if environment["DASH_TEST_REDIS_URL"] != nil || environment["CI"] != nil || program != nil { return true }
        print("Skipping the Redis tests: redis-server is not installed.")
        return false
    }()

    private static let program = findProgram("redis-server")
    private static let common = Mutex<Task<RedisServer, any Error>?>(nil)

    /// Its address without a database: `redis://127.0.0.1:<port>`.
    let address: String
    let port: Int
    private let folder: URL?
    private let arguments: [String]
    private let process = Mutex<TestServerProcess?>(nil)
    private let databases = Mutex(0)

    private init(address: String, port: Int, folder: URL?, arguments: [String]) {
        self.address = address
        self.port = port
        self.folder = folder
        self.arguments = arguments
    }

    deinit { end() }

    /// The server shared by all tests of this process: that of DASH_TEST_REDIS_URL, or one started on first use.
    static func shared() async throws -> RedisServer {
        let task = common.withLock { common in
            let task =
                common
                ?? Task {
                    if let given = try given() { return given }
                    return try await start()
                }
            common = task
            return task
        }
        return try await task.value
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - appendOnly: Whether its data survives a restart.
    ///   - port: nil for a free port; 0 for none (TLS only).
    static func start(appendOnly: Bool = false, arguments: [String] = [], port: Int? = nil) async throws -> RedisServer
    {
        let port = try port ?? freePort()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let all =
            ["--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", folder.path, "--databases", "1000"]
            + ["--appendonly", appendOnly ? "yes" : "no", "--logfile", "log"] + arguments
        let server = RedisServer(address: "redis://127.0.0.1:\(port)", port: port, folder: folder, arguments: all)
        try await server.launch()
        return server
    }

    private static func given() throws -> RedisServer? {
        guard let given = ProcessInfo.processInfo.environment["DASH_TEST_REDIS_URL"] else { return nil }
        guard case .host(_, let port) = try RedisURL(given).place else { return nil }
        return RedisServer(address: String(given.prefix { $0 != "?" }), port: port, folder: nil, arguments: [])
    }

    /// The address of an empty database that no other test of this process uses.
    func database() async throws -> RedisURL {
        let number = databases.withLock { number in
            number += 1
            return number
        }
        var url = try RedisURL(address)
        url.database = number
        let connection = try await RedisConnection.connect(RedisOptions.patient(url))
        defer { connection.close() }
        _ = try await connection.send([RedisCommand("FLUSHDB")])
        return url
    }

    /// Kills it, as in a crash, and waits until it has exited.
    func kill() { process.withLock { $0.take() }?.end(SIGKILL) }
    /// Shuts it down in order.
    func terminate() { process.withLock { $0.take() }?.end(SIGTERM) }
    /// Suspends it: it neither responds nor closes connections until `resume`.
    func pause() { process.withLock { _ = $0?.signal(SIGSTOP) } }
    func resume() { process.withLock { _ = $0?.signal(SIGCONT) } }

    /// Starts it again on the same port with the same data.
    func launch() async throws {
        guard let program = Self.program else { throw NotInstalled(program: "redis-server") }
        let new = try TestServerProcess(program, arguments: arguments, folder: folder?.path)
        process.withLock { $0 = new }
        guard port != 0 else { return }
        let options = RedisOptions.patient(try RedisURL(address))
        let deadline = ContinuousClock.now + .seconds(120)
        while true {
            do {
                return try await RedisConnection.connect(options).close()
            } catch let error as CeleryError where error.code == .refused {
                return
            } catch {
                if let status = new.exit { throw ExitedAtStart(status: status, log: log) }
                guard .now < deadline else { throw error }
                // No event signals that it is ready.
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    /// The end of the server's log.
    private var log: String {
        let log = folder.flatMap { try? String(contentsOf: $0.appendingPathComponent("log"), encoding: .utf8) } ?? ""
        return String(log.suffix(2000))
    }

    private func end() {
        kill()
        if let folder { try? FileManager.default.removeItem(at: folder) }
    }
}

/// The server exited before it accepted connections.
struct ExitedAtStart: Error {
    /// The status of `waitpid`.
    let status: Int32
    let log: String
}

struct NotInstalled: Error, CustomStringConvertible {
    let program: String
    var description: String { "\(program) is not installed; tests are not skipped in CI." }
}

/// Runs services while the body runs, then ends them.
func whileRunning<Result: Sendable>(
    _ services: (any Service)...,
    body: () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for service in services { group.addTask { try await service.run() } }
        defer { group.cancelAll() }
        return try await body()
    }
}

extension Logger {
    /// Discards all messages.
    static var quiet: Logger { Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() } }
}

extension RedisClient {
    /// How often the server ran a command since its start or the last reset of its statistics.
    func calls(of command: String) async throws -> Int {
        let text = try await send(RedisCommand("INFO", "commandstats")).text ?? ""
        return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            guard let match = line.wholeMatch(of: /cmdstat_([^:|]+)(\|[^:]+)?:calls=(\d+),.*/), match.1 == command
            else {
                return sum
            }
            return sum + (Int(match.3) ?? 0)
        }
    }
}
