import Dash
import DashTesting
import Testing

@Suite struct CallbackTests {
    @Test func aValueThatIsTypedIsEchoed() async throws {
        let input = dcc.Input.id("input"), output = html.Div.id("output")
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: ""), html.Div(id: output)]
        app.callback(Output(output.children), Input(input.value)) { value in "You said \(value ?? "")" }

        try await app.test { page in
            #expect(page[output.children] == "You said ")
            try await page.set(input.value, "x")
            #expect(page[output.children] == "You said x")
            #expect(page[input.value] == "x")
        }
    }
}

@Suite struct JobTests {
    @Test func aJobRunsToItsEnd() async throws {
        let app = progressApp()
        try await app.test { page in
            #expect(page["paragraph_id", "children"] == "Button not clicked")
            try await page.click("button_id")
            #expect(page["button_id", "disabled"] == true)
            #expect(page["progress_bar", "value"] == "0")
            try await page.advance(by: .seconds(1))
            #expect(page["progress_bar", "value"] == "1")
            try await page.settle()
            #expect(page["paragraph_id", "children"] == "Clicked 1 times")
            #expect(page["button_id", "disabled"] == false)
            #expect(page.clock.now.offset == .seconds(6))
        }
    }
}

func progressApp() -> DashApp {
    let paragraph = html.P.id("paragraph_id"), bar = html.Progress.id("progress_bar")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    let app = DashApp()
    app.layout = [
        html.Div([html.P("Button not clicked", id: paragraph), html.Progress(id: bar, value: "0")]),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop, disabled: true),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
        ],
        cancel: [Input(stop.nClicks)],
        progress: Outputs(bar.value, bar.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 0...5 {
            setProgress("\(step)", "5")
            try await ctx.sleep(for: .seconds(1))
        }
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}
