import ArgumentParser
import Dash
import Foundation
import Support

/// `dash-swift generate`: typed Swift for a component suite.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Writes typed Swift for a component suite.",
        discussion: """
            With a PACKAGE: downloads it and what it needs into a folder that is thrown away, and writes the suite's \
            manifest, its lock and a typed component for each of its own.

            Without: writes again what is committed in dash-swift itself, from the installed suites; to be run in the \
            root of its repository.
            """
    )

    @Argument(help: "The package's name on the package index, such as dash-mantine-components or NAME==VERSION.")
    var package: String?

    @Option(help: "The Swift module the files will be part of. Default: the package's name in camel case.")
    var module: String?

    @Option(help: "The folder to write to. Default: Sources/MODULE, or the working folder without a PACKAGE.")
    var output: String?

    @Option(help: "The installed suites to read without a PACKAGE. Default: where an app looks for them.")
    var suites: String?

    @Option(help: "The Python interpreter to use.")
    var python = "python3"

    func run() async throws {
        let search = SuiteSearch.current
        if let package {
            try await generate(package, search: search)
        } else {
            try generatePinned(search: search)
        }
    }

    private func generatePinned(search: SuiteSearch) throws {
        let root = search.absolute(output ?? ".")
        // The file rather than what is compiled in: after a change of the lock that is what is to be generated.
        let lock = try SuiteLock(parsing: String(contentsOfFile: root + "/suites.lock", encoding: .utf8))
        let folder = try suites.map(search.absolute) ?? SuiteFolder.locate(lock, search: search).path
        for file in try PinnedGenerator(suites: folder, lock: lock).files() { try Output.write(file, under: root) }
    }

    private func generate(_ package: String, search: SuiteSearch) async throws {
        let python = python
        let suite = try await OwnThread.run {
            try SuiteDownload.run(package, python: python, progress: { Output.line($0) })
        }
        let module = module ?? Naming.typeName(suite.importName)
        let command = "dash-swift generate \(suite.wheel.name)==\(suite.wheel.version)"
        let generator = SuiteGenerator(suite: suite, module: module, command: command)
        let folder = search.absolute(output ?? "Sources/\(module)")
        for file in generator.files() { try Output.write(file, under: folder) }
    }
}
