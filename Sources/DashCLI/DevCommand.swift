import ArgumentParser
import Dash
import Foundation
import Support

/// `dash-swift dev`: builds and serves an app, and rebuilds and restarts it when its sources change.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Builds and serves the app of this package, and rebuilds it when its sources change.",
        discussion: """
            Run it in the package's folder. The app runs in debug mode (DASH_DEBUG=1), and keeps running during a \
            build. After a successful build it restarts and its pages reload. If the build fails, or the new app finds \
            errors in its callbacks, its pages show the messages. Changes of assets need neither a build nor a restart.

            Arguments after these options, or after --, are passed to the app.

            Ctrl-C stops the app and the tool.
            """
    )

    @Option(help: "The product to build and serve. (default: the package's only executable)")
    var product: String?

    @Option(help: "The TCP port, passed to the app as PORT. (default: the app's own)")
    var port: Int?

    @Option(help: "The build folder. (default: .build)")
    var buildPath: String?

    @Option(help: "Another folder to watch, such as a local dependency. Repeatable.")
    var watch: [String] = []

    @Option(help: "The interval for checking the sources, in seconds.")
    var interval = 0.3

    @Option(help: "The swift executable.")
    var swift = "swift"

    @Argument(parsing: .captureForPassthrough, help: "The app's command line.")
    var arguments: [String] = []

    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("The port must be a number from 0 to 65535.") }
        if !(0.01...3600).contains(interval) { throw ValidationError("The interval must be 0.01 to 3600 seconds.") }
    }

    func run() async throws {
        let search = SuiteSearch.current
        let reports = NSTemporaryDirectory() + "dash-swift-dev-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: reports,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        defer { try? FileManager.default.removeItem(atPath: reports) }
        let loop = try await OwnThread.run { try makeLoop(search, reportFile: reports + "/report.json") }
        let code = await loop.run()
        if code != 0 { throw ExitCode(code) }
    }

    /// Reads the package's description, and creates the loop.
    private func makeLoop(_ search: SuiteSearch, reportFile: String) throws -> DevLoop {
        let folder = search.workingFolder
        let build = buildPath.map(search.absolute)
        let package = DevPackage(swift: swift, folder: folder, buildPath: build, environment: search.environment)
        let product = try package.product(named: product)
        let program = try package.programFolder() + "/" + product
        let further = watch.map(search.absolute)
        return DevLoop(
            product: product,
            build: try package.build(product),
            app: (program, [program] + arguments.drop { $0 == "--" }),
            appEnvironment: environment(search.environment, reportFile: reportFile),
            buildEnvironment: search.environment,
            folder: folder,
            reportFile: reportFile,
            watch: SourceWatch(look: { SourceTree(package: folder, further: further, build: build) }, pause: interval)
        )
    }

    /// The app's environment. The user's variables take precedence. Pages poll more often than in debug mode alone, for
    /// a short delay.
    func environment(_ own: [String: String], reportFile: String) -> [String: String] {
        var environment = ["DASH_DEBUG": "1", "DASH_HOT_RELOAD_INTERVAL": "1"].merging(own) { $1 }
        environment[BuildReport.variable] = reportFile
        if let port { environment["PORT"] = "\(port)" }
        return environment
    }
}
