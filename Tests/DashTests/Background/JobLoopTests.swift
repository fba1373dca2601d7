import DashJSON
import HTTPTypes
import Testing

@testable import Dash

// The steps are those of Fixtures/Dash/background_full and background_minimal: requests of the real renderer, responses
// of stock Dash, without its cacheKey.
@Suite("The polling of a background callback over HTTP, compared with stock Dash")
struct JobLoopTests {
    @Test("Start, progress, properties, progress, result, and the result again")
    func wholeLoop() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let start = try await page.post(JobPage.click)
            #expect(start.status == 200)
            #expect(start.headers[.contentType] == "application/json")
            #expect(start.json["cancel"] == [["id": "stop", "property": "n_clicks"]])
            #expect(start.json["progressDefault"] == ["bar.value": "0", "bar.max": "2"])
            #expect(start.json["response"].isNull)
            let job = try #require(start.job)
            #expect(job.utf8.allSatisfy { Self.urlSafe.contains($0) })
            let steps = [
                ("begin", #"{"multi":true,"progress":{"bar.value":"1","bar.max":"2"}}"#),
                ("half", #"{"multi":true,"sideUpdate":{"side":{"children":"half way"}}}"#),
                ("most", #"{"multi":true,"progress":{"bar.value":"2","bar.max":"2"}}"#),
                ("end", #"{"multi":true,"response":{"out":{"children":"run 1 for nobody"}}}"#),
            ]
            for (number, step) in steps.enumerated() {
                jobs.stage.open("\(step.0) 1")
                let answer = try await page.poll(JobPage.click, job, n: number + 1)
                #expect(answer.status == 200)
                #expect(answer.text == step.1)
            }
            let again = try await page.poll(JobPage.click, job, n: 5)
            #expect(again.text == steps[3].1)
        }
    }

    private static let urlSafe = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8)

    @Test("Without numbers, that is without our script, the responses are the same")
    func withoutScript() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.stage.open("begin 1")
            #expect(try await page.poll(JobPage.click, job).json["progress"]["bar.value"] == "1")
            jobs.finish()
            try await until("the result") {
                let answer = try await page.poll(JobPage.click, job)
                return answer.json["response"]["out"]["children"] == "run 1 for nobody"
            }
        }
    }

    @Test("The outcomes of a job: two outputs, one skipped, PreventUpdate, a component")
    func outcomes() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(
            Outputs(Output<String>("a", "children").skippable, Output<String>("b", "children").skippable),
            Input("run", "n_clicks"),
            preventInitialCall: true
        ) { (n: Int) in
            if n == 3 { throw PreventUpdate() }
            let a: Update<String> = n == 2 ? .skip : .set("a\(n)")
            return (a, .set(n == 2 ? "only b" : "b\(n)"))
        }
        app.backgroundCallback(Output("c", "children"), Input("go", "n_clicks")) { (n: Int?) in
            html.Div(["done ", html.B("\(n ?? 0)")])
        }
        let site = try TestSite(app) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let page = try await visit.open()
            let texts = [
                1: #"{"multi":true,"response":{"a":{"children":"a1"},"b":{"children":"b1"}}}"#,
                2: #"{"multi":true,"response":{"b":{"children":"only b"}}}"#,
                3: "",
            ]
            for (clicks, text) in texts {
                let answer = try await page.post(call("..a.children...b.children..", ["run.n_clicks": .int(clicks)]))
                #expect(answer.status == (clicks == 3 ? 204 : 200))
                #expect(answer.text == text)
            }
            var initial = call("c.children", [:])
            initial["inputs"] = [["id": "go", "property": "n_clicks"]]
            let bold: JSON = ["props": ["children": "0"], "type": "B", "namespace": "dash_html_components"]
            let wanted: JSON = [
                "props": ["children": ["done ", bold]], "type": "Div", "namespace": "dash_html_components",
            ]
            #expect(try await page.post(initial).json["response"]["c"]["children"] == wanted)
        }
    }

    @Test("A job without outputs has a reserved one, and ends with an empty response")
    func noOutput() async throws {
        let stage = Stage()
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(NoOutput(), Input("run", "n_clicks"), preventInitialCall: true) { (_: Int) in
            setProps("grid", ["rowData": [1]])
            try await stage.wait(for: "second")
            setProps("grid", ["rowData": [1, 2]])
            setProps("note", ["children": "all"])
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let spec = try await visit.ask(.get, "/_dash-dependencies").json[0]
            let output = try #require(spec["output"].stringValue)
            #expect(output.hasPrefix("run.id@"))
            #expect(spec["no_output"] == false)
            let body = call(output, ["run.n_clicks": 1])
            let start = try await page.post(body)
            let job = try #require(start.job)
            // The first properties come with the start or with the first poll, once.
            if start.json["sideUpdate"].isNull {
                #expect(try await page.poll(body, job, n: 1).json["sideUpdate"]["grid"]["rowData"] == [1])
            }
            stage.open("second")
            var answer = try await page.poll(body, job, n: 2)
            var seen = answer.json["sideUpdate"]
            if answer.json["response"].isNull {
                answer = try await page.poll(body, job, n: 3)
                if !seen.isNull, !answer.json["sideUpdate"].isNull {
                    seen["note"] = answer.json["sideUpdate"]["note"]
                }
            }
            #expect(seen["grid"]["rowData"] == [1, 2])
            #expect(seen["note"]["children"] == "all")
            #expect(answer.json["response"] == [:])
        }
    }

    @Test("A quick job's properties are in the first response; its progress precedes the result")
    func quickJob() async throws {
        let jobs = JobPage()
        jobs.finish()
        jobs.finish(2)
        let site = try TestSite(jobs.app) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let page = try await visit.open()
            let first = try await page.post(JobPage.click)
            #expect(first.json["progress"] == ["bar.value": "2", "bar.max": "2"])
            #expect(first.json["sideUpdate"] == ["side": ["children": "half way"]])
            #expect(first.json["response"].isNull)
            let result = try await page.poll(JobPage.click, try #require(first.job), n: 1)
            #expect(result.text == #"{"multi":true,"response":{"out":{"children":"run 1 for nobody"}}}"#)
        }
    }
}
