import ArgumentParser

/// The tool `dash-swift`: one file for each of its commands.
@main
struct DashSwift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dash-swift",
        abstract: "Installs the component suites of Dash apps in Swift, and makes typed Swift for further ones.",
        subcommands: [InstallCommand.self, GenerateCommand.self]
    )
}
