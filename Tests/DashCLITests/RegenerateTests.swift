import Dash
import Foundation
import Testing

@testable import DashCLI

@Suite("Committed files of the pinned suites")
struct RegenerateTests {
    @Test("Committed files equal those generated from the installed suites")
    func regenerate() throws {
        let generator = PinnedGenerator(suites: try Repository.suites(), lock: .pinned)
        for file in try generator.files() {
            let committed = try Repository.text(of: file.path)
            #expect(committed == file.text, "\(file.path) differs from the output of scripts/regenerate.")
        }
    }

    @Test("The built-in lock equals suites.lock")
    func lock() throws {
        #expect(try SuiteLock(parsing: Repository.text(of: "suites.lock")) == .pinned)
    }

    @Test("Every script that a page can load is registered")
    func registered() throws {
        let suites = try Repository.suites()
        let registered = Set(
            PinnedSuite.all.flatMap { suite in
                let scripts = suite.scripts.flatMap { [$0.path, $0.development].compactMap(\.self) }
                return (scripts + suite.allDynamicFiles).map { "\(suite.package)/\($0)" }
            }
        )
        let listed = try ["dash-4.4.1", "dash_ag_grid-35.3.0"].flatMap { name in
            try String(contentsOfFile: "\(suites)/\(name).dist-info/RECORD", encoding: .utf8)
                .split(whereSeparator: \.isNewline).compactMap { $0.split(separator: ",").first.map(String.init) }
        }
        let needed = listed.filter(Self.isNeeded)
        #expect(needed.count > 30)
        #expect(Set(needed).subtracting(registered).isEmpty)
    }

    /// Scripts and maps of the component folders, except those of the wheel's tests and demos.
    private static func isNeeded(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard let file = parts.last, file.hasSuffix(".js") || file.hasSuffix(".js.map") else { return false }
        let folders = parts.dropLast().joined(separator: "/")
        guard ["dash/dcc", "dash/html", "dash/dash_table", "dash_ag_grid"].contains(folders) else { return false }
        return file.hasPrefix("async-") || file.hasPrefix("dash_core") || file.hasPrefix("dash_html")
            || file.hasPrefix("bundle") || file.hasPrefix("dash_ag_grid")
    }

    @Test("Every file of a manifest is in the wheels")
    func present() throws {
        let suites = try Repository.suites()
        for suite in PinnedSuite.all {
            // Maps may be missing: stock Dash also registers some that its wheel lacks.
            for file in suite.scripts.compactMap(\.path) + suite.allDynamicFiles where !file.hasSuffix(".map") {
                let path = "\(suites)/\(suite.package)/\(file)"
                #expect(throws: Never.self, "\(path)") { try String(contentsOfFile: path, encoding: .utf8) }
            }
        }
    }

    @Test("Files loaded by scripts have gzip copies, and metadata is not served")
    func gzipForms() throws {
        let search = SuiteSearch(
            environment: ["DASH_SUITES": try Repository.suites()],
            executableFolder: nil,
            workingFolder: "/"
        )
        let files = try SuiteFiles(folder: .locate(search: search))
        #expect(files.file(package: "dash", path: "dcc/async-graph.js")?.gzipPath != nil)
        #expect(files.file(package: "plotly", path: "package_data/plotly.min.js")?.gzipPath != nil)
        #expect(files.file(package: "dash", path: "dcc/metadata.json") == nil)
    }
}
