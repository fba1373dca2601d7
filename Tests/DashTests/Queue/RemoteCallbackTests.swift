import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Dash

/// A queue that always fails, for what a site does before it uses one.
struct NoQueue: JobBackend {
    var isShared = true

    func makeManager(_ setup: JobBackendSetup) throws -> any JobManager { throw DashError.noQueue }
    func makeWorker(_ setup: JobBackendSetup, options: JobWorkerOptions) throws -> any Service {
        throw DashError.noQueue
    }
    func makeSharedState(_ setup: JobBackendSetup) throws -> (any SharedState)? { nil }
}

@Suite("A callback that runs on other workers")
struct RemoteCallbackTests {
    /// An app with such a callback.
    private func app(name: String? = nil, progress: Bool = false) -> DashApp {
        let app = DashApp(name: "reports", suppressCallbackExceptions: true)
        app.layout = html.Div()
        let (inputs, who) = (Input<Int>("run", "n_clicks"), State<String>("who", "value"))
        if progress {
            app.backgroundCallback(
                Output<String>("out", "children"),
                inputs,
                who,
                celeryTask: "proj.tasks.report",
                queue: "reports",
                progress: Outputs(Output<String>("bar", "value"), Output<String>("bar", "max")),
                progressDefault: ("0", "1"),
                name: name
            )
        } else {
            app.backgroundCallback(
                Output<String>("out", "children"),
                inputs,
                who,
                celeryTask: "proj.tasks.report",
                name: name
            )
        }
        return app
    }

    @Test("Its job has the task, its queue and the values of inputs and states")
    func request() async throws {
        let app = app(name: "make", progress: true)
        let site = DashSite()
        site.mount(app, at: "/")
        let asked = Mutex<[JobRequest]>([])
        let tested = try TestSite(app)
        tested.manager.beforeEachStart { request in asked.withLock { $0.append(request) } }
        try await tested.serve { visit in
            let page = try await visit.open()
            _ = try await page.post(call("out.children", ["run.n_clicks": 4], state: ["who.value": "me"]))
        }
        let remote = try #require(asked.withLock { $0.first }?.remote)
        #expect(remote.name == "proj.tasks.report")
        #expect(remote.queue == "reports")
        #expect(remote.arguments.description == #"[4,"me"]"#)
    }

    @Test("A site without a queue reports it at start, with file and line")
    func findingWithoutQueue() throws {
        let site = DashSite()
        site.mount(app(), at: "/")
        let finding = try #require(site.findings.first)
        #expect(site.findings.count == 1)
        #expect(finding.contains("RemoteCallbackTests.swift:"))
        #expect(finding.contains("proj.tasks.report"))
        #expect(finding.contains("DashSite(jobs:"))
        let queued = DashSite(jobs: NoQueue())
        queued.mount(app(), at: "/")
        #expect(queued.findings == [])
    }

    @Test(
        "Progress is read by position, by conventional names, or by property names",
        arguments: [
            (["5", "10"], [("value", "5"), ("max", "10")]),
            (["5"], [("value", "5")]),
            (["current": "5", "total": "10"], [("value", "5"), ("max", "10")]),
            (["done": "5", "max": "10", "note": "x"], [("value", "5"), ("max", "10")]),
            (["bar.max": "7"], [("max", "7")]),
            ("text", []),
        ] as [(JSON, [(String, String)])]
    )
    func progress(meta: JSON, wanted: [(String, String)]) {
        let site = DashSite(jobs: NoQueue())
        site.mount(app(name: "make", progress: true), at: "/")
        let found = SiteJobCodec(site: site).progress(ofMeta: RawJSON(json: meta), of: "reports/make")
        #expect(found.map(\.property) == wanted.map(\.0))
        #expect(found.map(\.value.json) == wanted.map { .string($0.1) })
        #expect(found.allSatisfy { $0.id == "bar" })
    }

    @Test("A single property gets the whole value")
    func wholeProgress() {
        let app = DashApp(name: "reports", suppressCallbackExceptions: true)
        app.backgroundCallback(
            Output<String>("out", "children"),
            Input<Int>("run", "n_clicks"),
            celeryTask: "proj.tasks.report",
            progress: Output<JSON>("chart", "figure"),
            name: "make"
        )
        let site = DashSite(jobs: NoQueue())
        site.mount(app, at: "/")
        let found = SiteJobCodec(site: site).progress(ofMeta: RawJSON(json: ["data": [1]]), of: "reports/make")
        #expect(found == [PropertyValue(id: "chart", property: "figure", value: RawJSON(json: ["data": [1]]))])
    }
}

@Suite("A site and its queue")
struct QueueTests {
    private func app(_ name: String, callback: String?) -> DashApp {
        let app = DashApp(name: name, suppressCallbackExceptions: true)
        app.layout = html.Div()
        app.backgroundCallback(Output<String>("out", "children"), Input("run", "n_clicks"), name: callback) {
            (_: Int) in
            ""
        }
        app.callback(Output<String>("echo", "children"), Input("in", "value")) { (value: String) in value }
        return app
    }

    @Test("A task has its callback's name, otherwise the job's: the app and the outputs")
    func taskNames() throws {
        let site = DashSite(jobs: NoQueue())
        site.mount(app("a", callback: "reports.make"), at: "/a/")
        site.mount(app("b", callback: nil), at: "/b/")
        let jobs = site.jobDefinitions
        #expect(jobs.map(\.name) == ["a/reports.make", "b/out.children"])
        #expect(jobs.map(\.taskName) == ["reports.make", "b/out.children"])
        #expect(jobs == site.jobDefinitions)
    }

    @Test("Without outputs of its own, a callback's task is named by its inputs and states too, never by a hash")
    func taskNamesWithoutOutputs() throws {
        let app = DashApp(name: "a", suppressCallbackExceptions: true)
        app.layout = html.Div()
        let (run, file) = (Input<Int>("run", "n_clicks"), State<String>("file", "value"))
        app.backgroundCallback(NoOutput(), run) { _ in }
        app.backgroundCallback(NoOutput(), run, Input<Int>("again", "n_clicks"), file) { _, _, _ in }
        app.backgroundCallback(Output<String>("out", "children", allowDuplicate: true), run, file) { _, _ in "" }
        app.backgroundCallback(Outputs(Output<String>("a", "children"), Output<String>("b", "children")), run) { _ in
            ("", "")
        }
        let site = DashSite(jobs: NoQueue())
        site.mount(app, at: "/a/")
        #expect(
            site.jobDefinitions.map(\.taskName) == [
                "a/@run.n_clicks", "a/@run.n_clicks,again.n_clicks|file.value",
                "a/out.children@run.n_clicks|file.value", "a/..a.children...b.children..",
            ]
        )
    }

    @Test("Callbacks that run on other workers define no jobs")
    func remoteJobs() {
        let site = DashSite(jobs: NoQueue())
        let app = DashApp()
        app.backgroundCallback(NoOutput(), Input<Int>("run", "n_clicks"), celeryTask: "x")
        site.mount(app, at: "/")
        #expect(site.jobDefinitions.isEmpty)
    }

    @Test("Callbacks of two apps with the same name are reported: their tasks would have one name")
    func sharedTaskNames() {
        let site = DashSite(jobs: NoQueue())
        site.mount(app("a", callback: "make"), at: "/a/")
        site.mount(app("b", callback: "make"), at: "/b/")
        #expect(site.findings.count == 1)
        #expect(site.findings.first?.contains("“make”") == true)
    }

    @Test("An app's own queue is not used for the site")
    func jobsOfAnApp() {
        let site = DashSite()
        let app = DashApp(jobs: NoQueue())
        app.layout = html.Div()
        site.mount(app, at: "/")
        #expect(site.findings.count == 1)
        #expect(site.findings.first?.contains("DashSite(jobs:)") == true)
    }

    @Test("Several servers require a secret; the error has a command that creates one")
    func sharedSecret() throws {
        let error = #expect(throws: DashError.self) { try SiteSecret.shared(environment: ["DASH_SECRET_KEY": ""]) }
        #expect(error?.code == .secret)
        #expect(error?.message.contains("openssl rand -hex 32") == true)
        #expect(throws: DashError.self) { try SiteSecret.shared(environment: ["DASH_SECRET_KEY": "short"]) }
        let key = "0123456789abcdef"
        #expect(try SiteSecret.shared(environment: ["DASH_SECRET_KEY": key]) == Array(key.utf8))
    }

    @Test("All servers with the same build and secret have the same launch ID")
    func launch() {
        let id = LaunchID.derived(secret: "0123456789abcdef", build: "1")
        #expect(id == LaunchID.derived(secret: "0123456789abcdef", build: "1"))
        #expect(id != LaunchID.derived(secret: "0123456789abcdef", build: "2"))
        #expect(id != LaunchID.derived(secret: "0123456789abcdeg", build: "1"))
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }
}
