import ArgumentParser
import Dash
import Testing

@testable import DashCLI

@Suite("The command line")
struct CommandLineTests {
    @Test("install accepts a folder, locks and an interpreter")
    func install() throws {
        let line = ["install", "--into", "x", "--lock", "a", "--lock", "b", "--python", "python3.12"]
        let command = try #require(DashSwift.parseAsRoot(line) as? InstallCommand)
        #expect(command.into == "x")
        #expect(command.lock == ["a", "b"])
        #expect(command.python == "python3.12")
    }

    @Test("generate accepts a package, or none for the pinned suites")
    func generate() throws {
        let line = ["generate", "dash-daq", "--module", "Daq", "--output", "out"]
        let command = try #require(DashSwift.parseAsRoot(line) as? GenerateCommand)
        #expect(command.package == "dash-daq")
        #expect(command.module == "Daq")
        #expect(command.output == "out")
        #expect((try DashSwift.parseAsRoot(["generate"]) as? GenerateCommand)?.package == nil)
    }

    @Test("The help lists both commands")
    func help() {
        let help = DashSwift.helpMessage()
        #expect(help.contains("install"))
        #expect(help.contains("generate"))
    }

    @Test("--version prints the package's version, also for each command", arguments: [[], ["install"]])
    func version(command: [String]) {
        let exit = #expect(throws: (any Error).self) { try DashSwift.parseAsRoot(command + ["--version"]) }
        #expect(exit.map { DashSwift.message(for: $0) } == DashSwiftVersion.current)
    }
}
