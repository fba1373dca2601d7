import Dash
import Foundation
import Testing

/// The repository these tests are part of.
enum Repository {
    /// Its root folder.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The text of a committed file.
    static func text(of path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    /// The folder of installed suites that generated files are compared with.
    ///
    /// - Throws: An error that says how to install them if they are not there.
    static func suites() throws -> String {
        var search = SuiteSearch.current
        search.workingFolder = root
        do {
            return try SuiteFolder.locate(.pinned, search: search).path
        } catch {
            throw SuiteError(
                .notInstalled,
                "These tests need the suites. Run: swift run dash-swift install --into .dash/suites",
                cause: error.message
            )
        }
    }
}
