import DashJSON
import Testing

@testable import Dash

@Suite("Findings in patterns, cycles and layouts")
struct RuleTests {
    private let row = html.Div.family("row"), go = html.Button.family("go")

    private func sentences(_ register: (DashApp) -> Void) -> [String] {
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = "nothing"
        register(app)
        return app.findings.map(\.sentence)
    }

    // MARK: - Patterns

    @Test("valid patterns have no findings")
    func rightPatterns() {
        let found = sentences { app in
            app.backgroundCallback(
                Output(row.match.children),
                Input(go.match.nClicks),
                State(row.match.title),
                Input(go.allSmaller.nClicks),
                running: [.set(row.match.title, to: "busy", finally: nil)],
                cancel: [Input(html.Button.family("stop").match.nClicks), Input(html.Button.id("all").nClicks)],
                progress: Outputs(row.match.title, html.Div.family("line").every.title),
                preventInitialCall: true
            ) { _, _, _, _ in "" }
            app.callback(Output(title.children), Input(go.match.nClicks), State(row.match.title)) { _, _ in "" }
        }
        // The Input with allSmaller has no match.
        #expect(found.count == 1)
        #expect(found.first?.contains("does not have. Set one value for all with .every") == true)
    }

    @Test("outputs of one or two callbacks that may be the same property")
    func overlaps() {
        let two = sentences { app in
            app.callback(Output(row.match.title), Input(go.match.nClicks)) { _ in "" }
            app.callback(Output(row.all.title), Input(run.nClicks)) { _ in [] }
            app.callback(Output(row.all.children), Input(run.nClicks)) { _ in [] }
        }
        #expect(two.count == 1)
        #expect(two.first?.contains("may be the same property") == true)
        let one = sentences { app in
            app.callback(Outputs(Output(row.all.title), Output(row[1].title)), Input(run.nClicks)) { _ in ([nil], nil) }
        }
        #expect(one.count == 1)
    }

    @Test("a State with an unknown match, and allSmaller without a match")
    func unmatched() {
        let found = sentences { app in
            app.callback(Output(title.children), Input(run.nClicks), State(row.match.title)) { _, _ in "" }
            app.callback(Output(paragraph.children), Input(row.allSmaller.title)) { _ in "" }
        }
        #expect(found.count == 2)
        #expect(found.last?.contains("needs an Output with match") == true)
    }

    @Test("running: with match at page load, and lists in place of one value for all")
    func running() {
        let found = sentences { app in
            app.callback(
                Output(row.match.children),
                Input(go.match.nClicks),
                running: [.set(go.match.disabled, to: true, finally: false)]
            ) { _ in "" }
            app.callback(
                Output(title.children),
                Input(run.nClicks),
                running: [.set(go.all.disabled, to: [true], finally: [false])]
            ) { _ in "" }
            app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), progress: Output(go.all.title)) {
                _,
                _ in ""
            }
        }
        #expect(found.count == 3)
        #expect(found.first?.contains("preventInitialCall: true") == true)
        #expect(found.dropFirst().allSatisfy { $0.contains(".every") })
    }

    @Test("progress and cancel with a match that the callback does not have")
    func background() {
        let found = sentences { app in
            app.backgroundCallback(
                Output(title.children),
                Input(run.nClicks),
                cancel: [Input(go.match.nClicks)],
                progress: Output(row.match.title)
            ) { _, _ in "" }
        }
        #expect(found.count == 2)
    }

    // MARK: - Cycles

    @Test("callbacks that trigger each other indirectly and through patterns")
    func circles() {
        let found = sentences { app in
            app.callback(Output(title.title), Input(go.match.title)) { _ in "" }
            app.callback(Output(paragraph.title), Input(title.title)) { _ in "" }
            app.callback(Output(go.all.title), Input(paragraph.title)) { _ in [] }
            app.callback(Output(stop.title), Input(title.title)) { _ in "" }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("triggers itself through") == true)
    }

    @Test("reading an own output, a State, or an output with allowDuplicate is not a cycle")
    func noCircles() {
        let found = sentences { app in
            app.callback(Outputs(title.title, stop.title), Input(title.title), Input(stop.title)) { ($0, $1) }
            app.callback(Output(paragraph.title), Input(run.title)) { $0 }
            app.callback(Output(run.title), Input(run.nClicks), State(paragraph.title)) { $1 }
            app.callback(Output(bar.title), Input(chart.className), preventInitialCall: true) { $0 }
            app.callback(
                Output(chart.className, allowDuplicate: true),
                Input(bar.title),
                preventInitialCall: true
            ) { $0 }
        }
        #expect(found == [])
    }

    @Test("defect 20: running and progress that trigger the callback indirectly", arguments: [true, false])
    func sideCircles(isProgress: Bool) {
        let found = sentences { app in
            if isProgress {
                app.backgroundCallback(Output(title.children), Input(run.title), progress: Output(bar.title)) { _, _ in
                    ""
                }
            } else {
                let running = Running.set(bar.title, to: "1", finally: "0")
                app.callback(Output(title.children), Input(run.title), running: [running]) { _ in "" }
            }
            app.callback(Output(paragraph.title), Input(bar.title)) { $0 }
            app.callback(Output(run.title), Input(paragraph.title)) { $0 }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("endless loop") == true)
    }

    // MARK: - Layouts

    private func layoutSentences(_ layout: any Renderable, _ register: (DashApp) -> Void = { _ in }) -> [String] {
        let app = DashApp()
        app.layout = layout
        register(app)
        return app.findings.map(\.sentence)
    }

    @Test("duplicate ids, also of components in other properties")
    func repeated() {
        let tab = dcc.Tab(id: "a", label: html.B("x", id: ["n": 1]).json.text)
        #expect(layoutSentences([html.Div(id: "a"), tab]).count == 1)
        let ids: [Element] = [html.Div(id: ["n": 1, "t": "x"]), html.Div(html.B(id: ["t": "x", "n": 1]))]
        let found = layoutSentences(ids)
        #expect(found.count == 1)
        #expect(found.first?.contains(#"{"n":1,"t":"x"}"#) == true)
        let inside = Element(namespace: "lib", type: "C", id: "c", props: ["icon": html.I(id: "c")])
        #expect(layoutSentences(inside).count == 1)
    }

    @Test("invalid ids", arguments: ["a.b", "{", "", ["n": .all]] as [ComponentID])
    func wrongIDs(id: ComponentID) {
        #expect(layoutSentences([html.Div(id: html.DivRef(id))]).count == 1)
    }

    @Test("invalid layouts", arguments: [nil, 3, true, ["a": 1]] as [JSON])
    func noLayout(layout: JSON) {
        #expect(layoutSentences(layout).count == 1)
    }

    @Test("a component of a callback that the layout does not have, once for each callback")
    func missing() {
        let found = layoutSentences(html.Button(id: run)) { app in
            app.callback(Outputs(title.children, title.title), Input(run.nClicks)) { _ in ("", "") }
            app.callback(Output(run.title), Input(stop.nClicks, allowOptional: true), Input(go.all.nClicks)) { _, _ in
                ""
            }
            app.callback(Output(paragraph.title), Input(run.nClicks), optional: true) { _ in "" }
            app.backgroundCallback(Output(run.disabled), Input(run.nClicks), cancel: [Input(stop.nClicks)]) { _ in true
            }
        }
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.contains("suppressCallbackExceptions: true") })
        #expect(found.first?.contains("with the id title.") == true)
        #expect(found.last?.contains("with the id cancel_button_id.") == true)
    }

    @Test("a validation layout contains components that are added later; a layout function is not checked")
    func later() {
        let app = DashApp()
        app.layout = html.Button(id: run)
        app.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
        #expect(app.findings.count == 1)
        app.page.validationLayout = html.H1(id: title)
        #expect(app.findings.isEmpty)
        let other = DashApp()
        other.layout { _ in html.Div() }
        other.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
        #expect(other.findings.isEmpty)
    }

    @Test("defect 23: all mistakes are reported before anything is served, each with its location")
    func everything() async throws {
        let app = DashApp()
        app.layout = [html.Div(id: "twice"), html.Div(id: "twice")]
        app.callback(Output("a.b", "children"), Input(run.nClicks)) { _ in "" }
        app.clientsideCallback(" ", Output(title.children), Input("twice", "title"))
        let site = DashSite()
        site.mount(app, at: "/")
        #expect(site.findings.count == 6)
        #expect(site.findings.allSatisfy { $0.contains("RuleTests.swift:") })
    }
}
