import Dash
import DashTesting
import Testing

/// Background callbacks: completion, cancellation and failure.
@Suite struct JobTests {
    let run = Apps.run, stop = Apps.stop, bar = Apps.bar, paragraph = Apps.paragraph

    @Test func progressIsSeenStepByStep() async throws {
        try await Apps.progress().test { page in
            #expect(page[paragraph.children] == "Button not clicked")
            try await page.click(run)
            #expect(page[run.disabled] == true)
            #expect(page[stop.disabled] == false)
            #expect(page[bar.value] == "0")
            #expect(page.runningJobs == 1)
            for second in 1...5 {
                try await page.advance(by: .seconds(1))
                #expect(page[bar.value] == "\(second)")
                #expect(page[bar.max] == "5")
            }
            try await page.settle()
            #expect(page[paragraph.children] == "Clicked 1 times")
            #expect(page[run.disabled] == false)
            #expect(page[bar.value] == "-")
            #expect(page[bar.style]?["visibility"] == "hidden")
            #expect(page.clock.now.offset == .seconds(6))
        }
    }

    @Test func cancelEndsTheJob() async throws {
        try await Apps.progress().test { page in
            try await page.click(run)
            try await page.advance(by: .seconds(2))
            try await page.click(stop)
            #expect(page[run.disabled] == false)
            #expect(page[bar.value] == "-")
            #expect(page[paragraph.children] == "Button not clicked")
            #expect(page.runningJobs == 0)
            // A start right after the cancellation is a new job.
            try await page.click(run)
            try await page.settle()
            #expect(page[paragraph.children] == "Clicked 2 times")
        }
    }

    @Test func requestsAreNumbered() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.callback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { _ in
            try ctx.query["order"] ?? "none"
        }
        try await app.test { page in
            for number in 1...2 {
                try await page.click(run)
                #expect(page[paragraph.children] == "\(number)")
            }
        }
    }

    @Test func secondStartTakesThePlaceOfTheFirst() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { clicks in
            log.note("begin \(clicks ?? 0)")
            try await ctx.sleep(for: .seconds(5))
            log.note("end \(clicks ?? 0)")
            return "\(clicks ?? 0)"
        }
        try await app.test { page in
            try await page.click(run)
            try await page.advance(by: .seconds(1))
            try await page.click(run)
            try await page.settle()
            #expect(page[paragraph.children] == "2")
            #expect(log.all == ["begin 1", "begin 2", "end 2"])
        }
    }

    @Test("A late response to a replaced start does not change anything that the later job set")
    func answerToReplacedStart() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph), html.Progress(id: bar, value: "0")]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            running: [.set(run.disabled, to: true, finally: false)],
            progress: Output(bar.value),
            progressDefault: "0",
            cache: .by({
                // Delays the response to the first start until the second job runs.
                log.note("start")
                if log.all.count == 1 { try await ctx.sleep(for: .seconds(3)) }
                return ""
            }),
            preventInitialCall: true
        ) { setProgress, clicks in
            for step in 1...5 {
                setProgress("\(step)")
                try await ctx.sleep(for: .seconds(1))
            }
            return "\(clicks ?? 0)"
        }
        try await app.test { page in
            try await page.click(run)
            try await page.set(run.nClicks, 2)
            #expect(log.all.count == 2)
            try await page.advance(by: .seconds(4))
            #expect(page[run.disabled] == true)
            #expect(page[bar.value] == "5")
            try await page.settle()
            #expect(page[paragraph.children] == "2")
            #expect(page[run.disabled] == false)
            #expect(page[bar.value] == "0")
        }
    }

    @Test func jobsSetOtherPropertiesOnTheirWay() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(NoOutput(), Input(run.nClicks), preventInitialCall: true) { _ in
            for row in 1...3 {
                setProps(paragraph.children, "row \(row)")
                try await ctx.sleep(for: .seconds(1))
            }
        }
        try await app.test { page in
            try await page.click(run)
            #expect(page[paragraph.children] == "row 1")
            try await page.until("the second row") { page[paragraph.children] == "row 2" }
            #expect(page.clock.now.offset == .seconds(1))
            try await page.settle()
            #expect(page[paragraph.children] == "row 3")
        }
    }

    @Test func errorOfAJobIsThrownAndWhatRanIsUndone() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P("none", id: paragraph)]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            running: [.set(run.disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { clicks in
            try await ctx.sleep(for: .seconds(1))
            throw DiskIsFull(attempt: clicks ?? 0)
        }
        try await app.test { page in
            try await page.click(run)
            let error = await #expect(throws: TestError.self) { try await page.settle() }
            #expect(error?.code == .callback)
            #expect(error?.message.contains("the disk was full at click 1") == true)
            #expect(error?.message.contains("paragraph_id.children") == true)
            #expect(page[run.disabled] == false)
            #expect(page.notices.count == 1)
            // It was thrown once; the page continues.
            try await page.settle()
            #expect(page.errors.count == 1)
        }
    }

    @Test func onErrorAnswersInPlaceOfTheError() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            preventInitialCall: true,
            onError: { "It did not work: \($0.message)" }
        ) { clicks in throw DiskIsFull(attempt: clicks ?? 0) }
        try await app.test { page in
            try await page.click(run)
            try await page.settle()
            #expect(page[paragraph.children] == "It did not work: the disk was full at click 1")
            #expect(page.errors.isEmpty)
        }
    }

    @Test func furtherAttemptsWaitByTheClock() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            retries: .upTo(3, backoff: .constant(.seconds(60))),
            preventInitialCall: true
        ) { _ in
            log.note("attempt")
            guard log.all.count == 3 else { throw DiskIsFull() }
            return "third time lucky"
        }
        try await app.test { page in
            try await page.click(run)
            #expect(log.all.count == 1)
            try await page.settle()
            #expect(page[paragraph.children] == "third time lucky")
            #expect(page.clock.now.offset >= .seconds(120))
        }
    }

    @Test func cachedResultRunsNothing() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            cache: .by({ "v1" }, ignoring: [run.nClicks]),
            preventInitialCall: true
        ) { clicks in
            log.note("run")
            try await ctx.sleep(for: .seconds(9))
            return "of click \(clicks ?? 0)"
        }
        try await app.test { page in
            try await page.click(run)
            try await page.settle()
            try await page.click(run)
            #expect(!page.isBusy)
            #expect(page[paragraph.children] == "of click 1")
            #expect(log.all == ["run"])
        }
    }

    @Test func realWaitsAreWaitedFor() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { _ in
            try await Task.sleep(for: .milliseconds(2))
            return "done"
        }
        try await app.test { page in
            try await page.click(run)
            try await page.settle()
            #expect(page[paragraph.children] == "done")
            #expect(page.clock.now.offset == .zero)
        }
    }

    @Test func realWaitsOfCallbacksAreWaitedForByTheAction() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.callback(Output(paragraph.children), Input(run.nClicks)) { clicks in
            try await Task.sleep(for: .milliseconds(2))
            return await Task { @MainActor in "done \(clicks ?? 0)" }.value
        }
        try await app.test { page in
            #expect(page[paragraph.children] == "done 0")
            try await page.click(run)
            #expect(page[paragraph.children] == "done 1")
        }
    }

    @Test func jobThatNeverEndsIsToldAfterTheTestsPatience() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { _ in
            for await _ in AsyncStream<Never>.makeStream().stream {}
            try Task.checkCancellation()
            return "never"
        }
        var options = TestOptions()
        options.patience = .milliseconds(50)
        try await app.test(options) { page in
            try await page.click(run)
            let error = await #expect(throws: TestError.self) { try await page.settle() }
            #expect(error?.code == .patience)
            #expect(error?.message.contains("ctx.sleep(for:)") == true)
        }
    }

    @Test func thirteenthCallWaitsItsTurn() async throws {
        let log = Recorder()
        let button = html.Button.family("b"), result = html.P.family("r")
        let app = DashApp()
        app.layout = (0..<13).map { html.Div([html.Button(id: button[$0]), html.P(id: result[$0])]) }
        app.callback(Output(result.match.children), Input(button.match.nClicks)) { _ in
            log.note("begin")
            try await ctx.sleep(for: .seconds(1))
            return "done"
        }
        try await app.test { page in
            // The front end has at most twelve concurrent requests.
            #expect(log.all.count == 12)
            try await page.settle()
            #expect(log.all.count == 13)
            #expect(page[result.all.children] == Array(repeating: "done", count: 13))
        }
    }

    @Test func taskOfOtherWorkersHasAStandIn() async throws {
        let input = dcc.Input.id("city")
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: "Oslo"), html.Button("Go", id: run), html.P(id: paragraph)]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            State(input.value),
            celeryTask: "proj.tasks.report",
            preventInitialCall: true
        )
        var options = TestOptions()
        options.task("proj.tasks.report") { arguments in "\(arguments[1].stringValue ?? "") at \(arguments[0].text)" }
        try await app.test(options) { page in
            try await page.click(run)
            try await page.settle()
            #expect(page[paragraph.children] == "Oslo at 1")
        }
        try await app.test { page in
            let error = await #expect(throws: TestError.self) {
                try await page.click(run)
                try await page.settle()
            }
            #expect(error?.message.contains(#"options.task("proj.tasks.report")"#) == true)
        }
    }
}
