import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Callbacks in the browser")
struct ClientsideTests {
    private func app() -> DashApp {
        let app = DashApp()
        app.layout = html.Div()
        app.clientsideCallback("function (n) { return n; }", Output(title.children), Input(run.nClicks))
        app.clientsideCallback("function (n) { return n; }", Output(paragraph.children), Input(run.nClicks))
        app.clientsideCallback(
            ClientsideFunction(namespace: "charts", name: "zoom"),
            Output("chart", "figure"),
            Input("zoom", "value"),
            State("chart", "figure")
        )
        return app
    }

    @Test("the dependencies contain the function")
    func dependencies() {
        let entries = app().registry.dependencies()
        #expect(entries[0]["clientside_function"]["namespace"] == "_dashprivate_clientside_funcs")
        #expect(entries[0]["clientside_function"] == entries[1]["clientside_function"])
        #expect(entries[2]["clientside_function"] == ["namespace": "charts", "function_name": "zoom"])
        #expect(entries[2]["state"] == [["id": "chart", "property": "figure"]])
    }

    @Test("a function with inline source is served as a script, after the components")
    func script() async throws {
        let app = app()
        let name = app.registry.callbacks[0].clientside?.name ?? ""
        try await TestSite(app, at: "/tools/").serve { visit in
            let index = try await visit.ask(.get, "/tools/").text
            let address = "/tools/_dash-swift/clientside/\(name).js"
            let place = try #require(index.firstRange(of: #"<script src="\#(address)"></script>"#))
            #expect(index[place.upperBound...].firstRange(of: address) == nil)
            #expect(index[..<place.lowerBound].contains("/dash_table/bundle."))
            let script = try await visit.ask(.get, address)
            #expect(script.headers[.contentType] == "text/javascript; charset=utf-8")
            #expect(script.headers[.cacheControl]?.contains("immutable") == true)
            #expect(script.text.contains(#"own["\#(name)"] = function (n) { return n; }"#))
            let other = try await visit.ask(.get, "/tools/_dash-swift/clientside/other.js")
            #expect(other.headers[.contentType] == "text/html; charset=utf-8")
        }
    }

    @Test("a request for it is an error")
    func request() async throws {
        try await TestSite(app()).serve { visit in
            let answer = try await visit.open().post(call("title.children", ["button_id.n_clicks": 1]))
            #expect(answer.status == 500)
            #expect(answer.text.contains("is a clientside callback"))
        }
    }

    @Test(
        "reserved and empty names",
        arguments: [
            ClientsideFunction(namespace: "_dashprivate_x", name: "f"), ClientsideFunction(namespace: "a", name: ""),
            ClientsideFunction(namespace: "no_update", name: "f"),
            ClientsideFunction(namespace: "a", name: "no_update"),
            " ",
        ]
    )
    func problems(function: ClientsideFunction) {
        #expect(function.problem != nil)
        #expect(ClientsideFunction(namespace: "a", name: "f").problem == nil)
    }
}
