import DashJSON
import Testing

@testable import Dash

@Suite("Findings at start")
struct FindingTests {
    /// The messages of the findings in an app with a layout.
    private func sentences(_ register: (DashApp) -> Void) -> [String] {
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = "nothing"
        register(app)
        return app.findings.map(\.sentence)
    }

    @Test("a finding has file and line of the registration")
    func place() {
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = ""
        app.callback(Output("a.b", "children"), Input(run.nClicks)) { _ in "" }
        let line = #line - 1
        #expect(app.findings.first?.description.contains("FindingTests.swift:\(line): ") == true)
    }

    @Test("every mistake is reported, not only the first")
    func several() {
        let found = sentences { app in
            app.callback(Output("a.b", "x@y"), Input("{c", "")) { (_: JSON) in "" }
        }
        #expect(found.count == 4)
    }

    @Test("ids with dots or braces, and empty ids", arguments: ["a.b", "{a", "", ComponentID(pattern: [:]), ["": 1]])
    func identifiers(id: ComponentID) {
        #expect(sentences { $0.callback(Output(id, "children"), Input(run.nClicks)) { _ in "" } }.count == 1)
        #expect(
            sentences { app in
                app.callback(
                    Output(title.children),
                    Input(run.nClicks),
                    running: [.set(id, "title", to: "a", finally: "b")]
                ) { _ in "" }
            }.count == 1
        )
    }

    @Test("one property written by two callbacks")
    func duplicateOutput() {
        let found = sentences { app in
            app.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
            app.callback(Output(title.children), Input(stop.nClicks)) { _ in "" }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("allowDuplicate: true") == true)
    }

    @Test("one property may be written by two callbacks with allowDuplicate")
    func allowedDuplicate() {
        let found = sentences { app in
            app.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
            app.callback(
                Output(title.children, allowDuplicate: true),
                Input(run.nClicks),
                preventInitialCall: .initialDuplicate
            ) { _ in "" }
        }
        #expect(found.isEmpty)
    }

    @Test("allowDuplicate with an initial call")
    func duplicateAtLoad() {
        let found = sentences { app in
            app.callback(Output(title.children, allowDuplicate: true), Input(run.nClicks)) { _ in "" }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("preventInitialCall: true") == true)
    }

    @Test("one output listed twice")
    func twice() {
        let found = sentences { app in
            app.callback(Outputs(title.children, title.children), Input(run.nClicks)) { _ in ("", "") }
        }
        #expect(found == ["title.children is listed twice as an Output. Remove one."])
    }

    @Test("a duplicate name, and callbacks that cannot be distinguished")
    func names() {
        let found = sentences { app in
            app.callback(Output(title.children), Input(run.nClicks), name: "same") { _ in "" }
            app.callback(Output(paragraph.children), Input(run.nClicks), name: "same") { _ in "" }
            app.callback(NoOutput(), Input(run.nClicks)) { _ in }
            app.callback(NoOutput(), Input(run.nClicks)) { _ in }
        }
        #expect(found.count == 2)
        #expect(found.first?.contains("“same”") == true)
        #expect(found.last?.contains("name:") == true)
    }

    @Test("a callback that never runs")
    func neverRuns() {
        #expect(
            sentences { $0.callback(Output(title.children), preventInitialCall: true) { "" } } == [
                "The callback has no Input and no initial call, so it never runs. Add an Input."
            ]
        )
        #expect(sentences { $0.callback(Output(title.children)) { "" } }.isEmpty)
    }

    @Test("a background callback with neither input nor output")
    func nothing() {
        #expect(sentences { $0.backgroundCallback(NoOutput()) {} }.count == 1)
    }

    @Test("a callback that would trigger itself", arguments: [true, false])
    func circular(isProgress: Bool) {
        let found = sentences { app in
            if isProgress {
                app.backgroundCallback(Output(title.children), Input(bar.value), progress: Output(bar.value)) { _, _ in
                    ""
                }
            } else {
                let running = Running.set(bar.value, to: "1", finally: "0")
                app.backgroundCallback(Output(title.children), Input(bar.value), running: [running]) { _ in "" }
            }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("endless loop") == true)
    }

    @Test("incompatible wildcards")
    func wildcards() {
        let family = html.Button.family("f")
        #expect(
            sentences { $0.callback(Output(family.allSmaller.title), Input(run.nClicks)) { _ in [nil] } }.count == 1
        )
        #expect(
            sentences { app in
                app.callback(Outputs(family.match.title, title.title), Input(run.nClicks)) { _ in (nil, nil) }
            }.count == 1
        )
        #expect(
            sentences { app in
                app.callback(Output(family.match.title), Input(["other": .match], "value")) { (_: JSON) in nil }
            }.count == 1
        )
    }

    @Test("a cache that ignores an invalid argument")
    func ignored() {
        let found = sentences { app in
            app.backgroundCallback(
                Output(title.children),
                Input(run.nClicks),
                cache: .by({ 1 }, ignoring: [stop.nClicks])
            ) { _ in "" }
            app.backgroundCallback(
                Output(paragraph.children),
                Input(run.nClicks),
                cache: .by({ 1 }, ignoring: [.index(1)])
            ) { _ in "" }
        }
        #expect(found.count == 2)
    }

    @Test("an app without a layout, at the app's location")
    func noLayout() {
        let app = DashApp()
        let line = #line - 1
        #expect(app.findings.map(\.location.line) == [line])
    }

    @Test("a layout function counts as a layout")
    func layoutFunction() async throws {
        let app = DashApp()
        app.layout { request in html.P(request.path) }
        #expect(app.findings.isEmpty)
        guard case .function(let make) = app.layoutSource else {
            Issue.record("no function")
            return
        }
        #expect(try await make(PageRequest(path: "/here")).json["props"]["children"] == "/here")
    }
}
