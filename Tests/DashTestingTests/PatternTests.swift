import Dash
import DashTesting
import Testing

/// Added and removed components, patterns and patches.
@Suite struct PatternTests {
    let add = Apps.add, total = Apps.total, run = Apps.rowRun, stop = Apps.rowStop, bar = Apps.rowBar
    let result = Apps.result

    @Test func listGrowsWithTheLayout() async throws {
        try await Apps.patterns().test { page in
            #expect(page[total.children] == "0 rows, 0 done")
            for _ in 0..<3 { try await page.click(add) }
            #expect(page[total.children] == "3 rows, 0 done")
            #expect(page[result.all.children] == ["Row 1", "Row 2", "Row 3"])
            #expect(page.ids(of: result.every) == [1, 2, 3].map { result[$0].componentID })
        }
    }

    @Test func rowsHaveJobsOfTheirOwn() async throws {
        try await Apps.patterns().test { page in
            for _ in 0..<3 { try await page.click(add) }
            try await page.click(run[1])
            try await page.advance(by: .milliseconds(400))
            try await page.click(run[2])
            try await page.click(run[3])
            #expect(page.runningJobs == 3)
            #expect(page[bar.all.value] == ["2", "1", "1"])
            #expect(page[run.all.disabled] == [true, true, true])

            try await page.click(stop[2])
            #expect(page[run.all.disabled] == [true, false, true])
            #expect(page[bar.all.value] == ["2", "0", "1"])
            try await page.settle()
            #expect(page[result.all.children] == ["Done 1 times", "Row 2", "Done 1 times"])
            #expect(page[total.children] == "3 rows, 2 done")
            #expect(page.clock.now.offset == .milliseconds(2400))
        }
    }

    @Test func smallerOnesAreGivenToEachRow() async throws {
        let number = dcc.Input.family("number"), sum = html.Div.family("sum")
        let app = DashApp()
        app.layout = (0..<3).map { html.Div([dcc.Input(id: number[$0], value: 10 * $0), html.Div(id: sum[$0])]) }
        app.callback(
            Output(sum.match.children),
            Input(number.match.value.as(Int.self)),
            Input(number.allSmaller.value.as([Int].self))
        ) { own, smaller in "\(smaller.reduce(0, +)) + \(own)" }
        try await app.test { page in
            #expect(page[sum.all.children] == ["0 + 0", "0 + 10", "10 + 20"])
            try await page.set(number[0].value.as(Int.self), 5)
            #expect(page[sum.all.children] == ["0 + 5", "5 + 10", "15 + 20"])
        }
    }

    @Test func hundredRowsAreNoBurden() async throws {
        let button = html.Button.family("b"), label = html.P.family("l"), count = html.P.id("count")
        let app = DashApp()
        app.layout = html.Div(
            (0..<100).map { html.Div([html.Button(id: button[$0]), html.P(id: label[$0])]) } + [html.P(id: count)]
        )
        app.callback(Output(label.match.children), Input(button.match.nClicks)) { "\($0 ?? 0)" }
        app.callback(Output(count.children), Input(label.all.children)) { "\($0.count)" }
        try await app.test { page in
            #expect(page[label.all.children]?.count == 100)
            #expect(page[count.children] == "100")
            try await page.click(button[99])
            #expect(page[label[99].children] == "1")
        }
    }

    @Test func removedComponentsLeaveTheList() async throws {
        let remove = html.Button.family("remove"), list = html.Div.id("list"), count = html.P.id("count")
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = [
            html.Div((0..<3).map { html.Button("x", id: remove[$0]) }, id: list), html.P(id: count),
        ]
        app.callback(
            Output(list.children),
            Input(remove.all.nClicks),
            State("list", "children"),
            preventInitialCall: true
        ) { (_, children: [JSON]) in
            guard let id = ctx.triggeredID, ctx.triggered[0].value != .null else { throw PreventUpdate() }
            return JSON.array(children.filter { $0["props"]["id"] != id.json })
        }
        app.callback(Output(count.children), Input(remove.all.nClicks)) { "\($0.count) left" }
        try await app.test { page in
            #expect(page[count.children] == "3 left")
            try await page.click(remove[1])
            #expect(page[count.children] == "2 left")
            #expect(page.ids(of: remove.every) == [remove[0].componentID, remove[2].componentID])
            #expect(!page.has(remove[1]))
        }
    }

    @Test func figureIsChangedInPart() async throws {
        let chart = dcc.Graph.id("chart")
        let figure = go.Figure(data: [go.Bar(y: [1, 3, 2])], layout: dict(title: dict(text: "3 points")))
        let app = DashApp()
        app.layout = [html.Button("Add a point", id: add), dcc.Graph(id: chart, figure: figure)]
        app.callback(Output(chart.figure).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
            var figure = Patch()
            figure.data[0].y.append(7)
            figure.layout.title.text = "\(3 + (clicks ?? 0)) points"
            return figure
        }
        try await app.test { page in
            try await page.click(add)
            #expect(page["chart", "figure"]?["data"][0]["y"] == [1, 3, 2, 7])
            #expect(page["chart", "figure"]?["layout"]["title"]["text"] == "4 points")
        }
    }

    @Test func patchOfNothingIsAnError() async throws {
        let output = html.Div.id("output")
        let app = DashApp()
        app.layout = [html.Button("Add", id: add), html.Div(id: output)]
        app.callback(Output(output.children).patched, Input(add.nClicks), preventInitialCall: true) { _ in
            var children = Patch()
            children.append("x")
            return children
        }
        try await app.test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(add) }
            #expect(error?.message.contains("The Patch of output.children has no value to change") == true)
        }
    }
}
