import ArgumentParser
import Foundation

/// The command line of an app: `serve`, the default, and `worker`.
struct SiteCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: URL(fileURLWithPath: CommandLine.executablePath).lastPathComponent,
            abstract: "A Dash app in Swift.",
            subcommands: [ServeCommand.self, WorkerCommand.self],
            defaultSubcommand: ServeCommand.self
        )
    }

    /// Parses a command line. Help on the program is help on `serve`, which has the options.
    static func command(for arguments: [String]) throws -> any ParsableCommand {
        try parseAsRoot([["--help"], ["-h"], ["help"]].contains(arguments) ? ["serve", "--help"] : arguments)
    }
}

/// `serve`: the web server with its worker processes.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the site until Ctrl-C or SIGTERM.",
        discussion: """
            When the server is stopped, running jobs have a few seconds to finish; unfinished jobs run again at the next \
            start. A second signal ends everything immediately.

            A site with a queue (Redis, RabbitMQ) runs no jobs here. Run its jobs with `worker`, on any machine; see \
            `help worker`.

            With --debug, pages show errors with message and location, have the developer tools, and reload when the \
            assets change; `dash-swift dev` also rebuilds the program when its sources change.

            Environment: HOST, PORT, DASH_DEBUG and its parts (DASH_UI, DASH_PROPS_CHECK, DASH_SERVE_DEV_BUNDLES, \
            DASH_VALIDATE_CALLBACKS, DASH_HOT_RELOAD, DASH_HOT_RELOAD_INTERVAL, DASH_HOT_RELOAD_WATCH_INTERVAL, \
            DASH_HOT_RELOAD_MAX_RETRY, DASH_SILENCE_ROUTES_LOGGING, DASH_PRUNE_ERRORS), DASH_DATA_DIR (the folder for \
            jobs, cache and secret), DASH_SECRET_KEY (signs sessions and job handles; required with a queue, the same on \
            all servers), DASH_SUITES (the folder of the component suites), LOG_LEVEL.
            """
    )

    @Option(help: "The address to listen on; 0.0.0.0 for all interfaces. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The TCP port; 0 picks a free one. (default: 8050)")
    var port: Int?

    @Flag(inversion: .prefixedNo, help: "Show errors and the developer tools in the browser. Not for production.")
    var debug: Bool?

    @Option(help: "The maximum number of worker processes. (default: four per core, at least 8)")
    var workers: Int?

    @Option(help: "The path at which a proxy serves the site. (default: /)")
    var pathPrefix: String?

    @Option(help: "The folder for jobs, cache and secret.")
    var dataDir: String?

    @Flag(inversion: .prefixedNo, help: "Restart the server when a callback traps.")
    var supervise = true

    func validate() throws {
        if let port, !(0...65535).contains(port) {
            throw ValidationError("Invalid port \(port). Use a number from 0 to 65535.")
        }
        if let workers, workers < 1 { throw ValidationError("Invalid number of workers \(workers). Use 1 or more.") }
        if let pathPrefix, MountPath.normalized(pathPrefix) == nil {
            throw ValidationError("Invalid path prefix “\(pathPrefix)”. Use a path such as /tools/.")
        }
    }

    /// Applies the environment, then the command line, to the site's configuration. Empty variables are ignored.
    ///
    /// - Throws: ``DashError`` with code `option` for a variable with an invalid value.
    func apply(to configuration: SiteConfiguration, environment: [String: String]) throws -> SiteConfiguration {
        let environment = environment.filter { !$0.value.isEmpty }
        var result = configuration
        result.host = host ?? environment["HOST"] ?? configuration.host
        result.port = try port ?? Self.number("PORT", environment) ?? configuration.port
        result.debug = debug ?? environment["DASH_DEBUG"].map(DevTools.isOn) ?? configuration.debug
        result.devTools = try configuration.devTools.applying(environment)
        result.workers = workers ?? configuration.workers
        result.pathPrefix = pathPrefix ?? configuration.pathPrefix
        result.dataDir = dataDir ?? environment["DASH_DATA_DIR"] ?? configuration.dataDir
        return result
    }

    private static func number(_ variable: String, _ environment: [String: String]) throws -> Int? {
        guard let text = environment[variable] else { return nil }
        guard let number = Int(text), (0...65535).contains(number) else {
            throw DashError(.option, "Invalid value “\(text)” of \(variable). Use a port number from 0 to 65535.")
        }
        return number
    }
}
