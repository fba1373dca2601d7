import DashJSON
import Testing

@testable import Dash

private struct Trouble: Error, CustomStringConvertible {
    let description = "out of paper"
}

@Suite("Running callbacks")
struct AnswerTests {
    @Test("the body equals that of Dash in Python")
    func body() async throws {
        let app = DashApp()
        app.callback(Output(paragraph.children), Input(run.nClicks)) { clicks in "Clicked \(clicks ?? 0) times" }
        let reply = try await app.reply(click(3))
        #expect(reply == ["multi": true, "response": ["paragraph_id": ["children": "Clicked 3 times"]]])
    }

    @Test("outputs of one component are grouped in one object")
    func grouped() async throws {
        let app = DashApp()
        app.callback(Outputs(paragraph.children, title.children, paragraph.title), Input(run.nClicks)) { _ in
            ("text", html.B("bold"), "tip")
        }
        let reply = try await app.reply([
            "output": "..paragraph_id.children...title.children...paragraph_id.title..",
            "outputs": [
                ["id": "paragraph_id", "property": "children"], ["id": "title", "property": "children"],
                ["id": "paragraph_id", "property": "title"],
            ],
            "inputs": [["id": "button_id", "property": "n_clicks"]],
        ])
        #expect(reply["response"]["paragraph_id"] == ["children": "text", "title": "tip"])
        #expect(reply["response"]["title"]["children"]["type"] == "B")
    }

    @Test("a skipped output is omitted; if all are skipped, the response is empty")
    func skip() async throws {
        let app = DashApp()
        app.callback(
            Outputs(Output(paragraph.children).skippable, Output(title.children).skippable),
            Input(run.nClicks)
        ) { clicks in clicks == 1 ? (.set("one"), .skip) : (.skip, .skip) }
        var body = try click(1)
        body["output"] = "..paragraph_id.children...title.children.."
        body["outputs"] = [["id": "paragraph_id", "property": "children"], ["id": "title", "property": "children"]]
        #expect(try await app.reply(body)["response"] == ["paragraph_id": ["children": "one"]])
        body["inputs"] = [["id": "button_id", "property": "n_clicks", "value": 2]]
        #expect(try await app.reply(body) == ["multi": true, "response": [:]])
    }

    @Test("properties set before PreventUpdate are sent")
    func preventUpdate() async throws {
        let app = DashApp()
        app.callback(Output(paragraph.children), Input(run.nClicks)) { _ in
            setProps(title.children, "set")
            throw PreventUpdate()
        }
        let sent = SentValues()
        let outcome = try await app.onlyCallback.run(in: makeContext(arguments: [1], emit: sent.collect))
        #expect(outcome == .preventUpdate)
        #expect(sent.properties.map(\.ref.text) == ["title.children"])
    }

    @Test("without outputs, the response has the last value set for each property")
    func noOutput() async throws {
        let app = DashApp()
        app.callback(NoOutput(), Input(run.nClicks)) { _ in
            setProps("log", ["children": "clicked", "title": "first"])
            setProps("log", ["title": "second"])
            setProps(paragraph.style, ["color": "red"])
        }
        let id = try app.onlyCallback.id
        let body: JSON = ["output": .string(id), "inputs": [["id": "button_id", "property": "n_clicks", "value": 1]]]
        #expect(
            try await app.reply(body) == [
                "multi": true,
                "sideUpdate": [
                    "log": ["children": "clicked", "title": "second"], "paragraph_id": ["style": ["color": "red"]],
                ],
                "response": [:],
            ]
        )
    }

    @Test("a reserved output is never written")
    func reserved() async throws {
        let app = DashApp()
        app.backgroundCallback(NoOutput(), Input(run.nClicks), cancel: [Input(stop.nClicks)]) { _ in }
        let callback = try #require(app.registry.callbacks.first)
        #expect(callback.wireOutputs.map(\.text) == ["button_id.id"])
        #expect(callback.hasNoOutput)
        let reply = try await app.reply(click(output: callback.id))
        #expect(reply == ["multi": true, "response": [:]])
        let cancel = try #require(app.registry.cancelCallbacks.first)
        let answer = try await app.reply([
            "output": .string(cancel.id),
            "outputs": ["id": "cancel_button_id", "property": .string(String(cancel.id.dropFirst(17)))],
            "inputs": [["id": "cancel_button_id", "property": "n_clicks", "value": 1]],
        ])
        #expect(answer == ["multi": true, "response": [:]])
    }

    @Test("NaN and infinity become null")
    func notANumber() async throws {
        let app = DashApp()
        app.callback(Output("paragraph_id", "children"), Input(run.nClicks)) { _ in [Double.nan, .infinity, 1] }
        let reply = try await app.reply(click())
        #expect(reply["response"]["paragraph_id"]["children"] == [.null, .null, 1])
    }
}

@Suite("Errors of regular callbacks")
struct CallbackErrorTests {
    @Test("without a handler the error is thrown")
    func thrown() async throws {
        let app = DashApp()
        app.callback(Output(paragraph.children), Input(run.nClicks)) { _ in throw Trouble() }
        await #expect(throws: Trouble.self) { try await app.reply(click()) }
    }

    @Test("onError returns the outputs' values")
    func handled() async throws {
        let app = DashApp()
        app.callback(
            Output(paragraph.children),
            Input(run.nClicks),
            onError: { failure in "\(failure.kind) \(failure.code): \(failure.message)" },
            perform: { _ in throw Trouble() }
        )
        let reply = try await app.reply(click())
        #expect(reply["response"]["paragraph_id"]["children"] == "error Trouble: out of paper")
    }

    @Test("onError that returns nil leaves the outputs unchanged, and may set properties")
    func noValue() async throws {
        let app = DashApp()
        app.callback(
            Output(paragraph.children),
            Input(run.nClicks),
            onError: { _ in
                setProps(title.children, "sorry")
                return nil
            },
            perform: { _ in throw Trouble() }
        )
        #expect(
            try await app.reply(click()) == [
                "multi": true, "sideUpdate": ["title": ["children": "sorry"]], "response": [:],
            ]
        )
    }

    @Test("a handler that throws PreventUpdate leaves the outputs unchanged; another error replaces the first")
    func handlerThrows() async throws {
        let app = DashApp()
        app.callback(
            Output(paragraph.children),
            Input(run.nClicks),
            onError: { failure in
                if failure.code == "Trouble" { throw PreventUpdate() }
                throw failure
            },
            perform: { _ in "" }
        )
        let callback = try app.onlyCallback
        let outcome = try await callback.recover(from: CallbackFailure(Trouble()), in: makeContext())
        #expect(outcome == .preventUpdate)
        let crash = CallbackFailure(kind: .crash, code: "SIGILL", message: "Illegal instruction")
        await #expect(throws: CallbackFailure.self) { try await callback.recover(from: crash, in: makeContext()) }
    }

    @Test("without a handler there is no outcome")
    func noHandler() async throws {
        let app = DashApp()
        app.callback(NoOutput(), Input(run.nClicks)) { _ in }
        let outcome = try await app.onlyCallback.recover(from: CallbackFailure(Trouble()), in: makeContext())
        #expect(outcome == nil)
    }

    @Test("a handler of a callback without outputs returns nothing")
    func noOutputHandler() async throws {
        let app = DashApp()
        app.callback(
            NoOutput(),
            Input(run.nClicks),
            onError: { failure in setProps(title.children, failure.message) },
            perform: { _ in throw Trouble() }
        )
        let id = try app.onlyCallback.id
        let reply = try await app.reply([
            "output": .string(id), "inputs": [["id": "button_id", "property": "n_clicks"]],
        ])
        #expect(reply["sideUpdate"] == ["title": ["children": "out of paper"]])
    }
}
