import ArgumentParser
import Dash

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

    func run() async throws {
        let search = SuiteSearch.current
        if let package {
            try await generate(package, search: search)
        } else {
            try generatePinned(search: search)
        }
    }

    private func generatePinned(search: SuiteSearch) throws {
        let generator = try PinnedGenerator(suites: installedSuites(search: search), lock: .pinned)
        let root = search.absolute(output ?? ".")
        for file in try generator.files() { try Output.write(file, under: root) }
    }

    private func installedSuites(search: SuiteSearch) throws -> String {
        if let suites { return search.absolute(suites) }
        return try SuiteFolder.locate(.pinned, search: search).path
    }

    private func generate(_ package: String, search: SuiteSearch) async throws {
    }
}
