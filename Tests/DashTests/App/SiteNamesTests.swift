import Testing

@testable import Dash

@Suite("The names of a site's apps and jobs")
struct SiteNamesTests {
    private func app(_ name: String? = nil, jobs: [String] = []) -> DashApp {
        let app = DashApp(name: name)
        let run = html.Button.id("run")
        app.layout = html.Div([html.Button("Run", id: run)] + jobs.indices.map { html.P(id: html.P.id("text\($0)")) })
        for (number, job) in jobs.enumerated() {
            let text = html.P.id("text\(number)")
            app.backgroundCallback(Output(text.children), Input(run.nClicks), name: job) { _ in "done" }
        }
        return app
    }

    @Test("Apps with different names and paths are valid")
    func distinctNames() {
        let site = DashSite()
        site.mount(app(jobs: ["work"]), at: "/a/")
        site.mount(app(jobs: ["work"]), at: "/b/")
        site.mount(app("third"), at: "/c/")
        #expect(site.findings == [])
    }

    @Test("Two apps with the same name, set or derived from the path", arguments: ["/reports/", "/other/"])
    func appsOfOneName(path: String) {
        let site = DashSite()
        site.mount(app("reports"), at: "/")
        site.mount(app(path == "/other/" ? "reports" : nil), at: path)
        #expect(site.findings == ["Two apps are named “reports”. Rename one of them with DashApp(name:)."])
    }

    @Test("Two jobs of different apps with the same name are reported")
    func jobsOfOneName() {
        let site = DashSite()
        site.mount(app("a", jobs: ["b/work"]), at: "/one/")
        site.mount(app("a/b", jobs: ["work"]), at: "/two/")
        #expect(site.findings == ["Two jobs are named “a/b/work”. Set name: on one of the callbacks."])
    }

    @Test("A path that is in use is reported")
    func onePathTwice() {
        let site = DashSite()
        site.mount(app("a"), at: "/tools")
        site.mount(app("b"), at: "/tools/")
        site.page(at: "tools", html: "")
        #expect(site.findings.count == 2)
        #expect(site.findings.allSatisfy { $0.hasPrefix("The path /tools/ is in use already. ") })
    }

    @Test("An invalid path and an empty site are reported")
    func noPathAndNoApp() {
        let site = DashSite()
        site.mount(app(), at: "/what?/")
        #expect(site.findings.count == 2)
        #expect(site.findings.first?.contains("Invalid mount path “/what?/”.") == true)
        #expect(site.findings.last?.contains("empty") == true)
    }
}
