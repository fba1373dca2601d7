import ArgumentParser
import Dash
import Foundation
import Support

/// `dash-swift dev`: an app that is built and started again whenever its sources change.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Builds and serves the app of this package, again and again as its sources change.",
        discussion: """
            To be run in the package's folder. The app runs in debug (DASH_DEBUG=1). While a changed source is built the app \
            goes on; when the build went well it is started again and its pages load anew, by themselves; when the build \
            failed, or the new app finds mistakes in itself, its pages show the messages. Changes of the assets need no build and no restart.

            What follows these options, or --, is the app's own command line.

            Ctrl-C ends the app and the tool.
            """
    )

    @Option(help: "The product to build and serve. (default: the package's only program)")
    var product: String?

    @Option(help: "The TCP port, as PORT for the app. (default: the app's own)")
    var port: Int?

    @Option(help: "The folder to build into. (default: .build)")
    var buildPath: String?

    @Option(help: "A further folder to watch, such as that of a package beside this one. May be given several times.")
    var watch: [String] = []

    @Option(help: "How often the sources are looked at, in seconds.")
    var interval = 0.3

    @Option(help: "The program swift.")
    var swift = "swift"

    @Argument(parsing: .captureForPassthrough, help: "The app's own command line.")
    var arguments: [String] = []

    /// Says at once what cannot work.
    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("A port is a number from 0 to 65535.") }
        if !(0.01...3600).contains(interval) { throw ValidationError("An interval is a number of seconds from 0.01.") }
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

    /// Asks the package for what is needed, and puts it together.
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
            watch: SourceWatch(
                look: { SourceTree(package: folder, further: further, build: build) },
                pause: interval
            )
        )
    }

    /// The app's environment. What the user has set stays; a page asks more often for news than in debug alone, for
    /// somebody waits for it.
    func environment(_ own: [String: String], reportFile: String) -> [String: String] {
        var environment = ["DASH_DEBUG": "1", "DASH_HOT_RELOAD_INTERVAL": "1"].merging(own) { $1 }
        environment[BuildReport.variable] = reportFile
        if let port { environment["PORT"] = "\(port)" }
        return environment
    }
}
