import ArgumentParser

/// The tool `dash-swift`: one file for each of its commands.
@main
struct DashSwift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dash-swift",
        abstract:
            "Serves Dash apps while they are developed, installs component suites, makes typed Swift for further ones.",
        subcommands: [DevCommand.self, InstallCommand.self, GenerateCommand.self]
    )
}
