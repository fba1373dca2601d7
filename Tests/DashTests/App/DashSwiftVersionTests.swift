import Dash
import Foundation
import Testing

@Suite("The package's version")
struct DashSwiftVersionTests {
    private static func text(of file: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: file), encoding: .utf8)
    }

    @Test("A semantic version of three numbers")
    func semanticVersion() {
        #expect(DashSwiftVersion.current.wholeMatch(of: /(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}/) != nil)
    }

    @Test("CHANGELOG.md has one section for the version, with a date or “unreleased”")
    func changelog() throws {
        let headings = try Self.text(of: "CHANGELOG.md").split(separator: "\n").compactMap {
            $0.wholeMatch(of: /## (.+) \((unreleased|\d{4}-\d{2}-\d{2})\)/)
        }
        #expect(headings.filter { $0.1 == DashSwiftVersion.current }.count == 1)
    }

    @Test("README.md installs the version")
    func readme() throws {
        let readme = try Self.text(of: "README.md")
        #expect(readme.contains("/dash-swift\", from: \"\(DashSwiftVersion.current)\")"))
    }
}
