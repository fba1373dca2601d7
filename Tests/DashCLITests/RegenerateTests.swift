import Dash
import Foundation
import Testing

@testable import DashCLI

@Suite("What is committed for the pinned suites")
struct RegenerateTests {
    @Test("Generated files are those that the installed suites give")
    func regenerate() throws {
        let generator = PinnedGenerator(suites: try Repository.suites(), lock: .pinned)
        for file in try generator.files() {
            let committed = try Repository.text(of: file.path)
            #expect(committed == file.text, "\(file.path) is not what scripts/regenerate writes.")
        }
    }

    @Test("The lock that is compiled in is suites.lock")
    func lock() throws {
        #expect(try SuiteLock(parsing: Repository.text(of: "suites.lock")) == .pinned)
    }

    @Test("Every script of the wheels that a page can need is registered")
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

    /// Scripts and maps of the component folders, without those of the wheel's own tests and demos.
    private static func isNeeded(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard let file = parts.last, file.hasSuffix(".js") || file.hasSuffix(".js.map") else { return false }
        let folders = parts.dropLast().joined(separator: "/")
        guard ["dash/dcc", "dash/html", "dash/dash_table", "dash_ag_grid"].contains(folders) else { return false }
        return file.hasPrefix("async-") || file.hasPrefix("dash_core") || file.hasPrefix("dash_html")
            || file.hasPrefix("bundle") || file.hasPrefix("dash_ag_grid")
    }

    @Test("Every file of a manifest that a page loads is in the wheels")
    func present() throws {
        let suites = try Repository.suites()
        for suite in PinnedSuite.all {
            // Maps may be missing; stock Dash registers some that its wheel does not have, too.
            for file in suite.scripts.compactMap(\.path) + suite.allDynamicFiles where !file.hasSuffix(".map") {
                let path = "\(suites)/\(suite.package)/\(file)"
                #expect(throws: Never.self, "\(path)") { try String(contentsOfFile: path, encoding: .utf8) }
            }
        }
    }

    @Test("What scripts load is there with its gzip form, and metadata is not served")
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
