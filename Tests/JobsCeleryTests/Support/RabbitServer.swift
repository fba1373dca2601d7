import Foundation
import Logging
import Support
import Synchronization
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ

/// A RabbitMQ server for tests on a free port of 127.0.0.1, with its own node name, data, cookie and epmd.
///
/// Suites that need it use `.enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot)`: without the program they are
/// skipped, or fail if the variable CI is set. It takes seconds to start, so most tests use unique queues on
/// `shared()`; tests that stop it or change its settings start another.
final class RabbitServer: Sendable {
    static let whyNot: Comment = "rabbitmq-server is not installed"
    static let isAvailable: Bool = {
        let environment = ProcessInfo.processInfo.environment
        if environment["DASH_TEST_RABBITMQ_URL"] != nil || environment["CI"] != nil || program("rabbitmq-server") != nil
        {
            return true
        }
        print("Skipping the RabbitMQ tests: rabbitmq-server is not installed.")
        return false
    }()

    /// The shared server, stopped at exit.
    private static let started = Mutex<RabbitServer?>(nil)
    private static let common = Mutex<Task<RabbitServer, any Error>?>(nil)

    /// Its address, such as `amqp://guest:guest@127.0.0.1:5672//`.
    let address: String
    /// Whether the tests started it; otherwise they cannot stop it.
    let isOwn: Bool
    let port: Int
    private let folder: URL
    private let environment: [String: String]
    private let processes = Mutex<[TestServerProcess]>([])

    private init(address: String, port: Int, folder: URL, environment: [String: String]) {
        self.address = address
        self.port = port
        self.folder = folder
        self.environment = environment
        isOwn = !environment.isEmpty
    }

    deinit { end() }

    private func end() {
        for process in processes.withLock({ $0 }) { process.end(SIGKILL) }
        if isOwn { try? FileManager.default.removeItem(at: folder) }
    }

    /// The server shared by all tests of this process: that of DASH_TEST_RABBITMQ_URL, or one started on first use.
    static func shared() async throws -> RabbitServer {
        let task = common.withLock { common in
            let task =
                common
                ?? Task {
                    if let given = try given() { return given }
                    let server = try await start()
                    started.withLock { $0 = server }
                    atexit { RabbitServer.started.withLock { $0.take() }?.end() }
                    return server
                }
            common = task
            return task
        }
        return try await task.value
    }

    private static func given() throws -> RabbitServer? {
        guard let given = ProcessInfo.processInfo.environment["DASH_TEST_RABBITMQ_URL"] else { return nil }
        return RabbitServer(
            address: given,
            port: try AMQPURL(given).port,
            folder: URL(fileURLWithPath: "/"),
            environment: [:]
        )
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - settings: Lines of `rabbitmq.conf`.
    ///   - advanced: Settings of RabbitMQ's Erlang application `rabbit`, such as `{channel_tick_interval, 500}`.
    static func start(settings: [String] = [], advanced: String = "") async throws -> RabbitServer {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rabbitmq-\(UUID().uuidString)")
        let home = folder.appendingPathComponent("home")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        let port = try freePort()
        let lines = ["listeners.tcp.1 = 127.0.0.1:\(port)", "loopback_users = none"] + settings
        for (name, text) in [
            ("rabbitmq.conf", lines.joined(separator: "\n") + "\n"), ("advanced.config", "[{rabbit, [\(advanced)]}]."),
            ("plugins", "[]."), ("env.conf", ""),
        ] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let server = RabbitServer(
            address: "amqp://guest:guest@127.0.0.1:\(port)//",
            port: port,
            folder: folder,
            environment: try variables(folder: folder.path, home: home.path)
        )
        try await server.startEPMD()
        try await server.launch()
        return server
    }

    private static func variables(folder: String, home: String) throws -> [String: String] {
        [
            "HOME": home, "RABBITMQ_NODENAME": "test\(UInt32.random(in: 0...UInt32.max))@localhost",
            "RABBITMQ_DIST_PORT": "\(try freePort())", "ERL_EPMD_PORT": "\(try freePort())",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
            "RABBITMQ_LOG_BASE": folder + "/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/plugins", "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": folder + "/env.conf",
            "RABBITMQ_PID_FILE": folder + "/pid",
            // Makes the script exec the server, so that our process id is the server's.
            "RUNNING_UNDER_SYSTEMD": "1",
            // Two schedulers, because it shares the machine with the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
        ]
    }

    /// Debian keeps the programs that run as any user outside of PATH.
    private static func program(_ name: String) -> String? {
        let own = "/usr/lib/rabbitmq/bin/\(name)"
        return access(own, X_OK) == 0 ? own : findProgram(name)
    }

    /// Starts a private epmd, so that none is left behind.
    private func startEPMD() async throws {
        guard let epmd = findProgram("epmd") else { throw NotInstalled(program: "epmd") }
        let process = try TestServerProcess(
            epmd,
            arguments: ["-port", environment["ERL_EPMD_PORT"] ?? ""],
            environment: environment
        )
        processes.withLock { $0.append(process) }
    }

    /// Starts it again on the same port with the same data.
    func launch() async throws {
        guard let program = Self.program("rabbitmq-server") else { throw NotInstalled(program: "rabbitmq-server") }
        let process = try TestServerProcess(program, arguments: [], environment: environment)
        processes.withLock { $0.append(process) }
        let url = try url
        let deadline = ContinuousClock.now + .seconds(240)
        while await !Self.answers(url) {
            guard .now < deadline else { throw NotStarted(program: program, reason: 0) }
            // No event signals that it is ready.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func answers(_ url: AMQPURL) async -> Bool {
        await withCheckedContinuation { caller in
            let isStarted = OwnThread.start {
                let session = try? AMQPSession(url, name: "test", logger: .quiet)
                session?.close(within: 10)
                caller.resume(returning: session != nil)
            }
            if !isStarted { caller.resume(returning: false) }
        }
    }

    var url: AMQPURL {
        get throws { try AMQPURL(address) }
    }

    /// Kills it, as in a crash, and waits until it has exited.
    func kill() async { await end(SIGKILL) }
    /// Shuts it down in order, which takes seconds.
    func terminate() async { await end(SIGTERM) }
    /// Suspends it: it neither responds nor closes connections until `resume`.
    func pause() { processes.withLock { _ = $0.last?.signal(SIGSTOP) } }
    func resume() { processes.withLock { _ = $0.last?.signal(SIGCONT) } }

    private func end(_ signal: Int32) async {
        guard let process = processes.withLock({ $0.count > 1 ? $0.removeLast() : nil }) else { return }
        await withCheckedContinuation { caller in
            let isStarted = OwnThread.start {
                process.end(signal)
                caller.resume()
            }
            if isStarted { return }
            process.end(SIGKILL)
            caller.resume()
        }
    }

    /// Waits until its log contains a text.
    func logs(_ words: String) async throws {
        let logs = folder.appendingPathComponent("log")
        try await until {
            let names = try FileManager.default.contentsOfDirectory(atPath: logs.path)
            return names.contains { name in
                let text = try? String(contentsOf: logs.appendingPathComponent(name), encoding: .utf8)
                return text?.contains(words) ?? false
            }
        }
    }

    /// Runs rabbitmqctl and returns its output. Takes a second or two.
    @discardableResult
    func control(_ arguments: String...) async throws -> String {
        guard let program = Self.program("rabbitmqctl") else { throw NotInstalled(program: "rabbitmqctl") }
        return try await runProgram(program, ["--quiet"] + arguments, environment: environment)
    }
}
