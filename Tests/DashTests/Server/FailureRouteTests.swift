import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Errors of app code over HTTP")
struct FailureRouteTests {
    private struct Broken: Error, CustomStringConvertible { let description = "the disk is full" }

    private func app() -> DashApp {
        let app = DashApp(name: "tools")
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (_: String) -> String in throw Broken() }
        return app
    }

    private let body = call("out.children", ["v.value": "x"])

    @Test("S16: a thrown error is 500, with its message in debug mode, otherwise with the number of the log line")
    func thrownError() async throws {
        for isDebug in [false, true] {
            let site = try TestSite(app()) { $0.site.debug = isDebug }
            try await site.serve { visit in
                let answer = try await visit.open().post(body)
                #expect(answer.status == 500)
                #expect(answer.headers[.contentType] == "text/\(isDebug ? "html" : "plain"); charset=utf-8")
                #expect(answer.text.contains("the disk is full") == isDebug)
                if !isDebug {
                    #expect(
                        answer.text.contains(/^The server could not complete this request\. Error [A-Za-z0-9_-]{8}\.$/)
                    )
                }
                // In debug mode the renderer's card shows it.
                #expect(answer.headers[.dashNotice] == (isDebug ? nil : answer.text))
            }
        }
    }

    @Test("A callback's onError provides the response, before the app's onError")
    func ownHandler() async throws {
        let app = app()
        app.onError { _ in setProps("log", ["children": "the app's"]) }
        app.callback(
            Output("b", "children"),
            Input("v", "value"),
            onError: { "\($0.kind): \($0.message)" }
        ) { (_: String) -> String in throw Broken() }
        app.callback(
            Output("c", "children"),
            Input("v", "value"),
            onError: { failure in
                setProps("errors", ["children": failure.code])
                return nil
            }
        ) { (_: String) -> String in throw Broken() }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let value = try await page.post(call("b.children", ["v.value": "x"]))
            #expect(value.text == #"{"multi":true,"response":{"b":{"children":"error: the disk is full"}}}"#)
            let side = try await page.post(call("c.children", ["v.value": "x"]))
            let wanted: JSON = ["multi": true, "sideUpdate": ["errors": ["children": "Broken"]], "response": [:]]
            #expect(side.json == wanted)
            let other = try await page.post(body)
            #expect(other.json["sideUpdate"] == ["log": ["children": "the app's"]])
            #expect(other.json["response"] == [:])
        }
    }

    @Test("An error thrown by onError is reported; PreventUpdate leaves the page unchanged")
    func throwingHandler() async throws {
        struct Worse: Error, CustomStringConvertible { let description = "and the mail too" }
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("a", "children"), Input("v", "value"), onError: { _ in throw Worse() }) {
            (_: String) -> String in throw Broken()
        }
        app.callback(Output("b", "children"), Input("v", "value"), onError: { _ in throw PreventUpdate() }) {
            (_: String) -> String in throw Broken()
        }
        let site = try TestSite(app) { $0.site.debug = true }
        try await site.serve { visit in
            let page = try await visit.open()
            let answer = try await page.post(call("a.children", ["v.value": "x"]))
            #expect(answer.status == 500)
            let place = "\n\nIn the callback a.children, registered at DashTests/FailureRouteTests.swift:"
            #expect(answer.text.contains(">Worse: and the mail too" + place))
            let quiet = try await page.post(call("b.children", ["v.value": "x"]))
            #expect(quiet.status == 200)
            #expect(quiet.json["response"] == [:])
        }
    }

    @Test("In debug mode error messages are HTML-escaped")
    func escaped() async throws {
        struct Tag: Error, CustomStringConvertible { let description = "<img src=x onerror=alert(1)>" }
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (_: String) -> String in throw Tag() }
        try await TestSite(app) { $0.site.debug = true }.serve { visit in
            let answer = try await visit.open().post(body)
            #expect(answer.text.contains("Tag: &lt;img src=x onerror=alert(1)&gt;"))
            #expect(!answer.text.contains("<img"))
        }
    }

    @Test("A value of the wrong type is an error of the callback, not of the server")
    func wrongType() async throws {
        let site = try TestSite(app()) { $0.site.debug = true }
        try await site.serve { visit in
            let answer = try await visit.open().post(call("out.children", ["v.value": ["a": 1]]))
            #expect(answer.status == 500)
            #expect(!answer.text.contains("the disk is full"))
        }
    }

    @Test("NaN and infinities are written as null")
    func noNumber() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (_: String) in
            [Double.nan, .infinity, -.infinity, 1.5]
        }
        try await TestSite(app).serve { visit in
            let answer = try await visit.open().post(body)
            #expect(answer.text == #"{"multi":true,"response":{"out":{"children":[null,null,null,1.5]}}}"#)
        }
    }

    @Test("Blocking app code does not delay the layout or other routes")
    func blockingCode() async throws {
        let gate = BlockingGate()
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (_: String) -> String in
            gate.block()
            return "done"
        }
        app.callback(
            Output("err", "children"),
            Input("v", "value"),
            onError: { _ in
                gate.block()
                return "handled"
            }
        ) { (_: String) -> String in throw Broken() }
        let site = try TestSite(app) { $0.threadCount = 32 }
        try await site.serve { visit in
            let page = try await visit.open()
            try await withThrowingTaskGroup(of: Answer.self) { group in
                // More than the number of cores, which is the number of threads in Swift's global pool.
                for _ in 0..<16 { group.addTask { try await page.post(body) } }
                for _ in 0..<16 { group.addTask { try await page.post(call("err.children", ["v.value": "x"])) } }
                try await until("all callbacks") { gate.blocked == 32 }
                #expect(try await visit.ask(.get, "/_dash-layout").json["type"] == "Div")
                gate.open()
                for try await answer in group { #expect(answer.status == 200) }
            }
        }
    }
}
