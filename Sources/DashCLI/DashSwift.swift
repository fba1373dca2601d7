import ArgumentParser
import Dash
import Foundation

/// The tool `dash-swift`, with one file per command.
@main
struct DashSwift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dash-swift",
        abstract:
            "Serves Dash apps in development, installs component suites and generates typed Swift for other suites.",
        version: DashSwiftVersion.current,
        subcommands: [DevCommand.self, InstallCommand.self, GenerateCommand.self]
    )
}

/// `dash-swift install`: installs the files of the component suites.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Installs the component suites that apps serve to the browser.",
        discussion: """
            The wheels are pinned by hash and installed with pip, which requires Python 3.9 or later. \
            A folder that already has them stays unchanged.
            """
    )

    @Option(help: "The folder to install into. Default: DASH_SUITES if set, otherwise a folder in the user's cache.")
    var into: String?

    @Option(help: "A lock of other suites, in pip's requirements format with hashes. Repeatable.")
    var lock: [String] = []

    @Option(help: "The Python interpreter to use.")
    var python = "python3"

    func run() async throws {
        let search = SuiteSearch.current
        let lock = try wheels()
        let target = try into.map(search.absolute) ?? SuiteFolder.defaultTarget(for: lock, search: search)
        if SuiteFolder(path: target, lock: lock) != nil {
            Output.line("The suites are already installed in \(target)")
            return
        }
        let installer = SuiteInstaller(lock: lock, target: target, python: python)
        _ = try await installer.install { Output.line($0) }
    }

    /// The pinned wheels and those of the given locks.
    private func wheels() throws -> SuiteLock {
        var wheels = SuiteLock.pinned
        for path in lock {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for wheel in try SuiteLock(parsing: text).wheels { wheels.add(wheel) }
        }
        return wheels
    }
}

/// Writes files and prints progress.
enum Output {
    /// Prints a line without buffering, also if the output is not a terminal.
    static func line(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// Writes a rendered file and prints its path.
    static func write(_ file: RenderedFile, under root: String) throws {
        let url = URL(fileURLWithPath: root).appendingPathComponent(file.path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: url, options: .atomic)
        line(file.path)
    }
}
