import ArgumentParser
import Dash
import Foundation

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
