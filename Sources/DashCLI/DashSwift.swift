import ArgumentParser
import Dash
import Foundation

/// The tool `dash-swift`: one file for each of its commands.
@main
struct DashSwift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dash-swift",
        abstract:
            "Serves Dash apps while they are developed, installs component suites, makes typed Swift for further ones.",
        version: DashVersion.current,
        subcommands: [DevCommand.self, InstallCommand.self, GenerateCommand.self]
    )
}

/// `dash-swift install`: the files of the component suites.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Downloads the component suites that apps serve to the browser.",
        discussion: """
            The wheels are pinned by hash and unpacked by pip, which must be installed with Python 3.9 or later. \
            A folder that has them already is left as it is.
            """
    )

    @Option(help: "The folder to install into. Default: DASH_SUITES if set, else a folder in the user's cache.")
    var into: String?

    @Option(help: "A lock of further suites, in pip's requirements format with hashes. May be given several times.")
    var lock: [String] = []

    @Option(help: "The Python interpreter to use.")
    var python = "python3"

    func run() async throws {
        let search = SuiteSearch.current
        let lock = try wheels()
        let target = try into.map(search.absolute) ?? SuiteFolder.defaultTarget(for: lock, search: search)
        if SuiteFolder(path: target, lock: lock) != nil {
            Output.line("The suites are already in \(target)")
            return
        }
        let installer = SuiteInstaller(lock: lock, target: target, python: python)
        _ = try await installer.install { Output.line($0) }
    }

    /// The pinned wheels and those of the locks that were named.
    private func wheels() throws -> SuiteLock {
        var wheels = SuiteLock.pinned
        for path in lock {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            for wheel in try SuiteLock(parsing: text).wheels { wheels.add(wheel) }
        }
        return wheels
    }
}

/// Writes files and tells what happens.
enum Output {
    /// Prints a line at once, also where the output is no terminal.
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
