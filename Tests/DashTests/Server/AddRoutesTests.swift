import DashJSON
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Dash

@Suite("A site in another Hummingbird application")
struct AddRoutesTests {
    private struct UserContext: RequestContext {
        var coreContext: CoreRequestContextStorage
        init(source: ApplicationRequestContextSource) { coreContext = CoreRequestContextStorage(source: source) }
    }

    /// Counts requests, like a user's logging middleware.
    private struct Counting<Context: RequestContext>: RouterMiddleware {
        let counter: Counter
        @concurrent func handle(
            _ request: Request,
            context: Context,
            next: @concurrent (Request, Context) async throws -> Response
        ) async throws -> Response {
            counter.count()
            return try await next(request, context)
        }
    }

    private func app() -> DashApp {
        let app = DashApp()
        app.layout = html.Div("ours")
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks")) { (n: Int) in "run \(n)" }
        return app
    }

    @Test(
        "Pages, callbacks and jobs work under the site's paths, and the application's own routes too",
        arguments: [false, true]
    )
    func beside(isLive: Bool) async throws {
        let counter = Counter()
        let site = try TestSite(app(), at: "/tools/jobs/") { $0.firstWait = .seconds(3600) }
        let router = Router(context: UserContext.self)
        router.add(middleware: Counting(counter: counter))
        router.get("hello") { _, _ in "Hello" }
        router.get("tools/own") { _, _ in "Own" }
        try site.assembly.responder.addRoutes(to: router)
        let application = Application(router: router, logger: site.assembly.responder.logger)
        try await site.serve(application, isLive ? .live : .router) { visit in
            #expect(try await visit.ask(.get, "/hello").text == "Hello")
            #expect(try await visit.ask(.get, "/tools/own").text == "Own")
            #expect(try await visit.ask(.get, "/tools/jobs").headers[.location] == "/tools/jobs/")
            let page = try await visit.open("/tools/jobs/")
            let layout = try await visit.ask(.get, "/tools/jobs/_dash-layout")
            #expect(layout.json["props"]["children"] == "ours")
            let suite = "/tools/jobs/_dash-component-suites/dash/dcc/async-graph.js"
            #expect(try await visit.ask(.head, suite).status == 200)
            #expect(try await visit.ask(.get, "/tools/jobs/any/other/path").config != nil)
            let answer = try await page.post(call("out.children", ["run.n_clicks": 7]))
            #expect(answer.text == #"{"multi":true,"response":{"out":{"children":"run 7"}}}"#)
            #expect(counter.value == 8)
            for path in ["/", "/tools", "/tools/jobsx", "/_health"] {
                #expect(try await visit.ask(.get, path).status == 404)
            }
        }
    }

    @Test("An app at the root serves all paths without a route in the application")
    func root() async throws {
        let site = try TestSite(app())
        let router = Router()
        router.get("hello") { _, _ in "Hello" }
        try site.assembly.responder.addRoutes(to: router)
        try await site.serve(Application(router: router, logger: site.assembly.responder.logger)) { visit in
            _ = try await visit.open("/")
            #expect(try await visit.ask(.get, "/hello").text == "Hello")
            #expect(try await visit.ask(.get, "/_dash-layout").json["type"] == "Div")
            #expect(try await visit.ask(.get, "/_health").text == "OK")
        }
    }

    @Test("Responds with and without the proxy's prefix")
    func prefix() async throws {
        let site = try TestSite(app(), at: "/jobs/") { $0.site.pathPrefix = "/tools/" }
        let router = Router()
        try site.assembly.responder.addRoutes(to: router)
        try await site.serve(Application(router: router, logger: site.assembly.responder.logger)) { visit in
            for path in ["/jobs/", "/tools/jobs/"] {
                let page = try await visit.ask(.get, path)
                #expect(page.config?["requests_pathname_prefix"] == "/tools/jobs/")
            }
        }
    }

    @Test("An existing route is an error, not a trap")
    func takenRoute() throws {
        let site = try TestSite(app(), at: "/jobs/")
        let router = Router()
        router.post("jobs") { _, _ in "mine" }
        let error = #expect(throws: DashError.self) { try site.assembly.responder.addRoutes(to: router) }
        #expect(error?.code == .mount)
        #expect(
            error?.message == "The router already has a route for POST /jobs/. Remove it, or mount the app elsewhere."
        )
    }

    @Test("All errors in the apps are thrown")
    func findings() async throws {
        let site = DashSite()
        let error = await #expect(throws: DashError.self) { _ = try await site.addRoutes(to: Router()) }
        #expect(error?.code == .findings)
        site.mount(DashApp(), at: "/a/")
        site.mount(DashApp(), at: "/a/")
        let several = await #expect(throws: DashError.self) { _ = try await site.addRoutes(to: Router()) }
        #expect(several?.message.split(separator: "\n").count ?? 0 >= 3)
    }
}
