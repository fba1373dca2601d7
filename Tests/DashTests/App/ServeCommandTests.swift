import ArgumentParser
import Testing

@testable import Dash

@Suite("The command line")
struct ServeCommandTests {
    private func configuration(
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        site: SiteConfiguration = SiteConfiguration()
    ) throws -> SiteConfiguration {
        try ServeCommand.parse(arguments).apply(to: site, environment: environment)
    }

    @Test("Without arguments the site's configuration is unchanged")
    func nothingChanges() throws {
        var site = SiteConfiguration()
        site.host = "10.0.0.1"
        site.port = 9000
        site.debug = true
        site.workers = 3
        site.pathPrefix = "/a/"
        site.dataDir = "/data"
        let result = try configuration(site: site)
        #expect(result.host == "10.0.0.1")
        #expect(result.port == 9000)
        #expect(result.debug)
        #expect(result.workers == 3)
        #expect(result.pathPrefix == "/a/")
        #expect(result.dataDir == "/data")
    }

    @Test("Each option sets its value")
    func optionsSetValues() throws {
        let result = try configuration(
            [
                "--host", "::", "--port", "0", "--debug", "--workers", "2", "--path-prefix", "/tools/", "--data-dir",
                "/d",
            ]
        )
        #expect(result.host == "::")
        #expect(result.port == 0)
        #expect(result.debug)
        #expect(result.workers == 2)
        #expect(result.pathPrefix == "/tools/")
        #expect(result.dataDir == "/d")
    }

    @Test("The command line overrides the environment, which overrides the code")
    func order() throws {
        let environment = ["HOST": "0.0.0.0", "PORT": "9001", "DASH_DEBUG": "1", "DASH_DATA_DIR": "/environment"]
        var site = SiteConfiguration()
        site.dataDir = "/code"
        let fromEnvironment = try configuration(environment: environment, site: site)
        #expect(fromEnvironment.host == "0.0.0.0")
        #expect(fromEnvironment.port == 9001)
        #expect(fromEnvironment.debug)
        #expect(fromEnvironment.dataDir == "/environment")
        let arguments = ["--host", "127.0.0.2", "--port", "9002", "--no-debug", "--data-dir", "/line"]
        let fromLine = try configuration(arguments, environment: environment, site: site)
        #expect(fromLine.host == "127.0.0.2")
        #expect(fromLine.port == 9002)
        #expect(!fromLine.debug)
        #expect(fromLine.dataDir == "/line")
    }

    @Test("DASH_DEBUG is on for Dash's true values", arguments: ["1", "true", "True", "yes"])
    func debugIsOn(word: String) throws {
        #expect(try configuration(environment: ["DASH_DEBUG": word]).debug)
    }

    @Test("DASH_DEBUG is off for other values", arguments: ["", "0", "false", "no", "off"])
    func debugIsOff(word: String) throws {
        #expect(try !configuration(environment: ["DASH_DEBUG": word]).debug)
    }

    @Test("An invalid PORT is an error", arguments: ["abc", "-1", "65536", "80.5", " 80"])
    func portOfTheEnvironment(text: String) {
        let error = #expect(throws: DashError.self) { try configuration(environment: ["PORT": text]) }
        #expect(error?.code == .option)
        #expect(error?.message.contains("Invalid value “\(text)” of PORT.") == true)
    }

    @Test("--port overrides an invalid PORT")
    func portOfTheLineWins() throws {
        #expect(try configuration(["--port", "8051"], environment: ["PORT": "abc"]).port == 8051)
    }

    @Test("An empty variable is ignored", arguments: ["HOST", "PORT", "DASH_DATA_DIR"])
    func emptyVariables(name: String) throws {
        let result = try configuration(environment: [name: ""])
        #expect(result.host == "127.0.0.1")
        #expect(result.port == 8050)
        #expect(result.dataDir == nil)
    }

    @Test(
        "Invalid arguments are errors",
        arguments: [
            ["--port", "70000"], ["--port=-1"], ["--port", "x"], ["--workers", "0"], ["--workers=-3"],
            ["--path-prefix", "a b"], ["--path-prefix", "/a?b/"], ["--path-prefix", "/../"], ["--unknown"], ["more"],
        ]
    )
    func refusals(arguments: [String]) {
        #expect(throws: (any Error).self) { try ServeCommand.parse(arguments) }
    }

    @Test("The default command is serve; --help is another command")
    func commands() throws {
        #expect(try SiteCommand.command(for: []) is ServeCommand)
        #expect(try SiteCommand.command(for: ["--port", "1"]) is ServeCommand)
        #expect(try SiteCommand.command(for: ["serve", "--port", "1"]) is ServeCommand)
        #expect(try !(SiteCommand.command(for: ["--help"]) is ServeCommand))
    }

    @Test("The server restarts after traps unless --no-supervise is set")
    func supervision() throws {
        #expect(try ServeCommand.parse([]).supervise)
        #expect(try !ServeCommand.parse(["--no-supervise"]).supervise)
    }
}
