import Dash
import Foundation
import Testing

/// The repository of these tests.
enum Repository {
    /// Its root folder.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The text of a committed file.
    static func text(of path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    /// The folder of installed suites to compare generated files with.
    ///
    /// - Throws: An error with the install command if the suites are missing.
    static func suites() throws -> String {
        var search = SuiteSearch.current
        search.workingFolder = root
        do {
            return try SuiteFolder.locate(.pinned, search: search).path
        } catch {
            throw SuiteError(
                .notInstalled,
                "These tests require the suites. Run: swift run dash-swift install --into .dash/suites",
                cause: error.message
            )
        }
    }
}
