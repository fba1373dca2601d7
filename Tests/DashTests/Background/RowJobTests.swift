import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Background jobs of rows with their own progress and cancel buttons")
struct RowJobTests {
    private struct Rows {
        let stage = Stage()
        let app = DashApp(name: "rows")

        init() {
            let go = html.Button.family("go"), stop = html.Button.family("stop"), bar = html.Progress.family("bar")
            let out = html.Div.family("out"), stopAll = html.Button.id("stop-all"), stage = stage
            app.layout = html.Div([html.Button(id: stopAll)])
            app.backgroundCallback(
                Output(out.match.children),
                Input(go.match.nClicks),
                running: [.set(go.match.disabled, to: true, finally: false)],
                cancel: [Input(stop.match.nClicks), Input(stopAll.nClicks)],
                progress: Output(bar.match.value),
                progressDefault: "0",
                preventInitialCall: true,
                name: "work"
            ) { setProgress, clicks in
                setProgress("1")
                try await stage.wait(for: "end")
                return "done"
            }
        }

        func click(_ row: Int) -> JSON {
            let id = { (type: String) -> JSON in ["index": .int(row), "type": .string(type)] }
            return [
                "output": #"{"index":["MATCH"],"type":"out"}.children"#,
                "outputs": ["id": id("out"), "property": "children"],
                "inputs": [["id": id("go"), "property": "n_clicks", "value": 1]],
                "changedPropIds": [.string(#"{"index":\#(row),"type":"go"}.n_clicks"#)],
            ]
        }

        /// A click on the cancel button of a row, or of all rows.
        func cancel(_ row: Int?, _ visit: Visit) async throws -> JSON {
            let specs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
            let name = row == nil ? "stop-all" : #"{"index":["MATCH"],"type":"stop"}"#
            let spec = specs.first { $0["inputs"][0]["id"].stringValue == name } ?? .null
            let id: JSON = row.map { ["index": .int($0), "type": "stop"] } ?? "stop-all"
            let property =
                spec["output"].stringValue?.split(separator: ".").last.map { JSON.string(String($0)) } ?? .null
            return [
                "output": spec["output"], "outputs": ["id": id, "property": property],
                "inputs": [["id": id, "property": "n_clicks", "value": 1]],
            ]
        }
    }

    @Test("progress and its default go to the row's bar")
    func progress() async throws {
        let rows = Rows()
        try await TestSite(rows.app).serve { visit in
            let page = try await visit.open()
            let start = try await page.post(rows.click(2))
            let bar = #"{"index":2,"type":"bar"}.value"#
            #expect(start.json["progressDefault"] == .object([bar: "0"]))
            var shown = start.json["progress"]
            if shown.isNull { shown = try await page.poll(rows.click(2), start.job ?? "").json["progress"] }
            #expect(shown == .object([bar: "1"]))
        }
    }

    @Test("defect 10: a row's cancel button cancels only the row's job", .timeLimit(.minutes(1)))
    func cancelOne() async throws {
        let rows = Rows()
        try await TestSite(rows.app).serve { visit in
            let page = try await visit.open()
            let first = try await page.start(rows.click(1)), second = try await page.start(rows.click(2))
            // The browser does not match patterns, so the click has no handle.
            #expect(try await page.post(rows.cancel(1, visit)).status == 200)
            try await until("the end of the first") { try await page.poll(rows.click(1), first).status == 204 }
            rows.stage.open("end")
            try await until("the result of the second") {
                !(try await page.poll(rows.click(2), second).json["response"].isNull)
            }
        }
    }

    @Test("a button outside of the rows cancels the jobs of all rows", .timeLimit(.minutes(1)))
    func cancelAll() async throws {
        let rows = Rows()
        try await TestSite(rows.app).serve { visit in
            let page = try await visit.open()
            let jobs = [try await page.start(rows.click(1)), try await page.start(rows.click(2))]
            #expect(try await page.post(rows.cancel(nil, visit)).status == 200)
            for (index, job) in jobs.enumerated() {
                try await until("the end") { try await page.poll(rows.click(index + 1), job).status == 204 }
            }
        }
    }

    @Test("a row's cancel affects only earlier starts of its row, whatever the order of arrival")
    func numbered() async throws {
        let rows = Rows()
        let site = try TestSite(rows.app)
        try await site.serve { visit in
            let page = try await visit.open()
            _ = try await page.post(rows.cancel(1, visit), "order=4")
            #expect(try await page.post(rows.click(1), "order=3").status == 204)
            let second = try await page.start(rows.click(2), "order=1")
            let first = try await page.start(rows.click(1), "order=6")
            _ = try await page.post(rows.cancel(1, visit), "order=5")
            // The button for all rows.
            _ = try await page.post(rows.cancel(nil, visit), "order=2")
            try await until("the end of the second") { try await page.poll(rows.click(2), second).status == 204 }
            #expect(try await page.post(rows.click(3), "order=1").status == 204)
            rows.stage.open("end")
            try await until("the result of the first") {
                !(try await page.poll(rows.click(1), first).json["response"].isNull)
            }
            #expect(site.manager.started.count == 2)
        }
    }

    @Test("in cells with a row and a column, a row's cancel affects only earlier starts of its row")
    func numberedCells() async throws {
        let app = DashApp(), stage = Stage()
        let cell = { (type: String) -> ComponentID in ["type": .string(type), "row": .match, "column": .match] }
        app.layout = html.Div()
        app.backgroundCallback(
            Output<String>(cell("out"), "children"),
            Input<Int>(cell("go"), "n_clicks"),
            cancel: [Input<JSON>(["type": "stop", "row": .match], "n_clicks")],
            preventInitialCall: true
        ) { _ in
            try await stage.wait(for: "end")
            return "done"
        }
        try #require(app.findings.isEmpty)
        let id = { @Sendable (type: String, row: Int, column: Int) -> JSON in
            ["column": .int(column), "row": .int(row), "type": .string(type)]
        }
        let output = app.registry.callbacks[0].id
        let click = { @Sendable (row: Int, column: Int) -> JSON in
            [
                "output": .string(output),
                "outputs": ["id": id("out", row, column), "property": "children"],
                "inputs": [["id": id("go", row, column), "property": "n_clicks", "value": 1]],
            ]
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let specs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
            let stopping = try #require(specs.compactMap(\.["output"].stringValue).first { $0 != output })
            let property = JSON.string(String(stopping.split(separator: ".").last ?? ""))
            let stop: JSON = ["row": 1, "type": "stop"]
            let cancel: JSON = [
                "output": .string(stopping), "outputs": ["id": stop, "property": property],
                "inputs": [["id": stop, "property": "n_clicks", "value": 1]],
            ]
            #expect(try await page.post(cancel, "order=9").status == 200)
            #expect(try await page.post(click(1, 1), "order=1").status == 204)
            #expect(try await page.post(click(1, 2), "order=2").status == 204)
            _ = try await page.start(click(2, 1), "order=3")
            _ = try await page.start(click(1, 1), "order=10")
        }
        stage.open("end")
    }

    @Test("jobs without outputs of two rows do not replace each other")
    func noOutputs() async throws {
        let app = DashApp(), go = html.Button.family("go"), stage = Stage()
        app.layout = html.Div()
        app.backgroundCallback(NoOutput(), Input(go.match.nClicks), preventInitialCall: true) { _ in
            try await stage.wait(for: "end")
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let output = app.registry.callbacks[0].id
            let body = { (row: Int) -> JSON in
                let id: JSON = ["index": .int(row), "type": "go"]
                let property = JSON.string(String(output.split(separator: ".").last ?? ""))
                return [
                    "output": .string(output), "outputs": ["id": id, "property": property],
                    "inputs": [["id": id, "property": "n_clicks", "value": 1]],
                ]
            }
            let first = try await page.start(body(1))
            _ = try await page.start(body(2))
            stage.open("end")
            try await until("the first job's end") {
                let answer = try await page.poll(body(1), first)
                try #require(answer.status == 200)
                return !answer.json["response"].isNull
            }
        }
    }
}
