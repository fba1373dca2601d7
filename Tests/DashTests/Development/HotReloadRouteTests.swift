import DashJSON
import Foundation
import HTTPTypes
import Testing

@testable import Dash

@Suite("Hot reload over HTTP")
struct HotReloadRouteTests {
    /// A site in debug mode with its own assets folder.
    private struct Stage {
        let folder: SuitesFolder
        let site: TestSite

        init(debug: Bool = true, hotReload: Bool? = nil, report: String? = nil) throws {
            folder = try SuitesFolder()
            try folder.write("p {}", to: "assets/look.css")
            try folder.write("1", to: "assets/sub dir/code.js")
            let app = DashApp(assetsFolder: folder.path + "/assets")
            app.layout = html.Div()
            let report = report.map { [folder] in folder.path + "/" + $0 }
            site = try TestSite(app, at: "/tools/") {
                $0.site.debug = debug
                $0.site.devTools.hotReload = hotReload
                $0.buildReport = report
            }
        }

        /// Changes a file and its modification time, independent of the clock's resolution.
        func change(_ name: String, to text: String, time: Double) throws {
            let path = try folder.write(text, to: name)
            let date = Date(timeIntervalSince1970: time)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }

        func look() throws { try #require(site.assembly.responder.routes.hotReload).look() }
    }

    private func news(_ visit: Visit, _ seen: String?) async throws -> JSON {
        try await visit.ask(.get, "/tools/_reload-hash" + (seen.map { "?seen=\($0)" } ?? "")).json
    }

    private func hash(_ page: Answer) throws -> String {
        String(try #require(page.text.firstMatch(of: /data-hash="([0-9a-f]{32})"/)?.1))
    }

    @Test("A page has the state of its assets, the development script before the renderer, and Dash's settings")
    func page() async throws {
        let stage = try Stage()
        try await stage.site.serve { visit in
            let page = try await visit.ask(.get, "/tools/")
            #expect(page.config?["hot_reload"] == ["interval": 3000, "max_retry": 8])
            #expect(page.config?["dev_tools"] == [])
            let tag = /<script src="(\/tools\/_dash-swift\/development\.\w+\.js)"/
            let script = try #require(page.text.firstMatch(of: tag))
            let renderer = try #require(page.text.firstRange(of: "/build/dash_renderer."))
            #expect(script.range.lowerBound < renderer.lowerBound)
            #expect(try await visit.ask(.get, String(script.1)).text.contains("_reload-hash"))
            #expect(try await news(visit, nil)["reloadHash"].stringValue == hash(page))
        }
    }

    @Test("Production has no hot reload")
    func production() async throws {
        let stage = try Stage(debug: false)
        #expect(stage.site.assembly.responder.routes.hotReload == nil)
        try await stage.site.serve { visit in
            let page = try await visit.ask(.get, "/tools/")
            #expect(!page.text.contains("development."))
            #expect(page.config?.objectValue?["hot_reload"] == nil)
            let answer = try await visit.ask(.get, "/tools/" + ClientScript.developmentPath)
            #expect(answer.headers[.contentType]?.contains("html") == true, "the index page")
            #expect(try await news(visit, nil)["reloadHash"] == .null)
        }
    }

    @Test("A changed style sheet is reported with its URL in the page")
    func stylesheet() async throws {
        let stage = try Stage()
        try await stage.site.serve { visit in
            let first = try hash(try await visit.ask(.get, "/tools/"))
            try stage.change("assets/look.css", to: "p { color: red }", time: 2_000_000_000.5)
            try stage.look()
            let news = try await news(visit, first)
            #expect(news["hard"] == true)
            #expect(news["files"] == [["url": "/tools/assets/look.css", "modified": 2_000_000_000.5, "is_css": true]])
            #expect(news["packages"] == ["dash", "plotly"])
            let page = try await visit.ask(.get, "/tools/")
            #expect(page.text.contains(#"href="/tools/assets/look.css?m=2000000000.5""#))
            #expect(try hash(page) == news["reloadHash"].stringValue)
            #expect(try await visit.ask(.get, "/tools/assets/look.css").text == "p { color: red }")
        }
    }

    @Test("New and deleted scripts are reported; new ones are served")
    func scripts() async throws {
        let stage = try Stage()
        try await stage.site.serve { visit in
            let first = try hash(try await visit.ask(.get, "/tools/"))
            try stage.change("assets/new.js", to: "2", time: 2_000_000_000)
            try FileManager.default.removeItem(atPath: stage.folder.path + "/assets/sub dir/code.js")
            try stage.look()
            let wanted: JSON = [
                ["url": "/tools/assets/new.js", "modified": 2_000_000_000, "is_css": false],
                ["url": "/tools/assets/sub%20dir/code.js", "modified": -1, "is_css": false],
            ]
            #expect(try await news(visit, first)["files"] == wanted)
            #expect(try await visit.ask(.get, "/tools/assets/new.js").text == "2")
            let page = try await visit.ask(.get, "/tools/")
            #expect(page.text.contains("/assets/new.js?m=") && !page.text.contains("code.js"))
        }
    }

    @Test("A page receives the build report, until it is removed")
    func buildReport() async throws {
        let stage = try Stage(report: "report.json")
        let file = stage.folder.path + "/report.json"
        try await stage.site.serve { visit in
            #expect(try await news(visit, nil).objectValue?["build"] == nil)
            try BuildReport.write(BuildReport(.failed, output: "main.swift:1:1: error: <no>"), to: file)
            try stage.look()
            let wanted: JSON = ["state": "failed", "output": "main.swift:1:1: error: <no>"]
            #expect(try await news(visit, nil)["build"] == wanted)
            try stage.folder.write("{", to: "report.json")
            try stage.look()
            #expect(try await news(visit, nil).objectValue?["build"] == nil, "an invalid report")
            try BuildReport.write(nil, to: file)
            try BuildReport.write(nil, to: file)
            try stage.look()
            #expect(try await news(visit, nil).objectValue?["build"] == nil)
        }
    }

    @Test("Polls while the server runs, and stops with it")
    func service() async throws {
        let folder = try SuitesFolder()
        try folder.write("p {}", to: "look.css")
        let assets = LiveAssets(path: folder.path)
        let watch = HotReload([assets], watchInterval: .milliseconds(10), reportFile: nil)
        let first = assets.now.hash
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            try folder.write("p { color: red }", to: "look.css")
            try await until("the change") { assets.now.hash != first }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
