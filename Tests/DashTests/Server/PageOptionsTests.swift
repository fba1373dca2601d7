import DashJSON
import Foundation
import HTTPTypes
import Testing

@testable import Dash

@Suite("Page options")
struct PageOptionsTests {
    private func index(_ app: DashApp) async throws -> String {
        app.layout = html.Div()
        let text = Box<String>()
        try await TestSite(app).serve { visit in text.value = try await visit.ask(.get, "/").text }
        return try #require(text.value)
    }

    /// Checks that the text contains the parts in this order.
    private func expect(
        _ text: String,
        has parts: [String],
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        var rest = text[...]
        for part in parts {
            let place = try #require(rest.firstRange(of: part), "\(part) in \(text)", sourceLocation: sourceLocation)
            rest = rest[place.upperBound...]
        }
    }

    @Test("Meta tags follow the default ones, or replace those of the same kind, and are escaped")
    func metas() async throws {
        let app = DashApp()
        app.page.metaTags = [
            ["name": "viewport", "content": "width=500"], ["name": "description", "content": "\"quoted\" <b>"],
        ]
        let text = try await index(app)
        let own = [#"<meta name="viewport" content="width=500">"#, "&quot;quoted&quot; &lt;b&gt;"]
        try expect(text, has: [#"<meta charset="UTF-8">"#] + own)
        #expect(!text.contains("width=device-width"))
    }

    @Test("External scripts and styles precede the app's own")
    func external() async throws {
        let app = DashApp(suites: [], assetsFolder: Recording.folder + "/clientside/assets")
        app.page.externalScripts = ["https://cdn.invalid/a.js", ["src": "https://cdn.invalid/b.mjs", "defer": ""]]
        app.page.externalStylesheets = ["https://cdn.invalid/a.css"]
        app.page.inlineScripts = ["var text = '</script><!--';"]
        let parts = [
            #"<link rel="stylesheet" href="https://cdn.invalid/a.css">"#, "/assets/10_style.css",
            "/assets/10_sub/late.css",
            "/deps/prop-types", #"<script src="https://cdn.invalid/a.js"></script>"#,
            #"<script src="https://cdn.invalid/b.mjs" defer=""></script>"#, "/assets/20_fixture.js",
            #"/assets/10_sub/part.mjs"#, #"type="module""#, "/build/dash_renderer.",
            #"<script>var text = '<\/script><\!--';</script>"#, #"id="_dash-renderer""#,
        ]
        try expect(try await index(app), has: parts)
    }

    @Test("Ignored files are not included in the page, but served")
    func ignored() async throws {
        let app = DashApp(assetsFolder: Recording.folder + "/clientside/assets")
        app.assets.ignore = #"^20_.*\.js$"#
        app.assets.ignoreFolders = ["sub$"]
        app.layout = html.Div()
        try await TestSite(app).serve { visit in
            let text = try await visit.ask(.get, "/").text
            #expect(text.contains("/assets/10_style.css"))
            #expect(!text.contains("/assets/20_fixture.js"))
            #expect(!text.contains("/assets/10_sub/"))
            #expect(try await visit.ask(.get, "/assets/20_fixture.js").status == 200)
        }
        app.assets.isIncluded = false
        #expect(try await !index(app).contains("/assets/"))
    }

    @Test("Placeholders of a template are replaced; replacements are not searched for placeholders")
    func template() async throws {
        let app = DashApp(title: "{%config%} & more")
        app.page.template = "<p>{%title%} {%other%}{%app_entry%}{%config%}{%scripts%}{%renderer%}</p>"
        let text = try await index(app)
        #expect(text.hasPrefix(#"<p>{%config%} &amp; more {%other%}<div id="react-entry-point">"#))
        #expect(text.hasSuffix("new DashRenderer();</script></p>"))
    }

    @Test("Renderer hooks and configuration")
    func configuration() async throws {
        let app = DashApp()
        app.page.rendererHooks = ["request_pre": "function (payload) {}", "layout_pre": "function () {}"]
        app.page.showsUndoRedo = true
        app.page.csrfCookie = "token"
        app.page.csrfHeader = "X-Token"
        app.page.validationLayout = html.Div(id: "later")
        let text = try await index(app)
        let hooks = #"new DashRenderer({"layout_pre": function () {}, "request_pre": function (payload) {}});"#
        try expect(text, has: [hooks])
        try expect(text, has: [#""show_undo_redo":true"#, #""csrf_token_name":"token""#, #""validation_layout":{"#])
    }

    @Test("Findings: a missing placeholder, an empty name, an invalid pattern")
    func findings() {
        let app = DashApp()
        app.layout = html.Div()
        app.page.template = "{%app_entry%}{%config%}{%scripts%}"
        app.page.csrfHeader = ""
        app.assets.ignore = "("
        #expect(app.findings.count == 3)
        #expect(app.findings.first?.sentence.contains("{%renderer%}") == true)
    }
}
