import ArgumentParser

/// The tool `dash-swift`: one file for each of its commands.
@main
struct DashSwift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dash-swift",
        abstract: "Builds and serves a Dash app while it is developed, installs component suites, and makes typed Swift for them.",
        subcommands: [DevCommand.self, InstallCommand.self, GenerateCommand.self]
    )
}
