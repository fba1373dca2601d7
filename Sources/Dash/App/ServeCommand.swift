import ArgumentParser
import Foundation

/// The command line of an app: `serve`, which is also what happens without a command, and `worker`.
struct SiteCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: URL(fileURLWithPath: CommandLine.executablePath).lastPathComponent,
            abstract: "A Dash app in Swift.",
            subcommands: [ServeCommand.self, WorkerCommand.self],
            defaultSubcommand: ServeCommand.self
        )
    }

    /// The command that a command line asks for. Help on the program is help on `serve`, where the options are.
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
            Running jobs get a few seconds to finish when the server is asked to stop; what is left runs again at the \
            next start. A second signal ends everything at once.

            A site with a queue (Redis, RabbitMQ) runs no jobs here: `worker` in place of `serve` does, on any machine; see \
            `help worker`.

            With --debug pages show errors with message and place, have the developer's tools, and follow changes of the \
            assets; `dash-swift dev` builds the program again too when its sources change.

            Environment: HOST, PORT, DASH_DEBUG and its parts (DASH_UI, DASH_PROPS_CHECK, DASH_SERVE_DEV_BUNDLES, \
            DASH_VALIDATE_CALLBACKS, DASH_HOT_RELOAD, DASH_HOT_RELOAD_INTERVAL, DASH_HOT_RELOAD_WATCH_INTERVAL, \
            DASH_HOT_RELOAD_MAX_RETRY, DASH_SILENCE_ROUTES_LOGGING, DASH_PRUNE_ERRORS), DASH_DATA_DIR (where jobs, cache and secret are kept), DASH_SECRET_KEY \
            (signs sessions and job handles; required with a queue, and the same on all servers), DASH_SUITES (where the component suites are installed), LOG_LEVEL.
            """
    )

    @Option(help: "The address to listen on; 0.0.0.0 for all of the machine's. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The TCP port; 0 takes a free one. (default: 8050)")
    var port: Int?

    @Flag(inversion: .prefixedNo, help: "Show errors in the browser, with the developer's tools. Never in production.")
    var debug: Bool?

    @Option(help: "The most worker processes at once. (default: four for each core, at least 8)")
    var workers: Int?

    @Option(help: "The path at which a proxy serves the site, as the browser sees it. (default: /)")
    var pathPrefix: String?

    @Option(help: "Where jobs, cache and secret are kept.")
    var dataDir: String?

    @Flag(inversion: .prefixedNo, help: "Start the server again when a callback of it traps.")
    var supervise = true

    /// Says at once what cannot work.
    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("A port is a number from 0 to 65535.") }
        if let workers, workers < 1 { throw ValidationError("At least one worker is needed.") }
        if let pathPrefix, MountPath.normalized(pathPrefix) == nil {
            throw ValidationError("Write a prefix like /tools/.")
        }
    }

    /// The site's configuration with the environment's and the command line's word on it. An empty variable is none.
    ///
    /// - Throws: ``DashError`` with code `option` for a variable that has no valid value.
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
            throw DashError(.option, "\(variable) is “\(text)”, which is no port number from 0 to 65535.")
        }
        return number
    }
}
