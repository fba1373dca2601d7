import Testing

/// A user's mistake and the compiler's expected message; nil for correct code.
struct Snippet: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let message: String?

    init(_ what: String, _ code: String, says message: String?) {
        testDescription = what
        self.code = code
        self.message = message
    }
}

@Suite("Compiler messages", .enabled(if: UserCompiler.found != nil, "the build has no description of its flags"))
struct CompilerMessageTests {
    /// The errors of all snippets, each in its own file, from one run of the compiler.
    private static let errors: Result<[String: [String]], any Error> = Result {
        var files = ["shared": shared]
        for (index, snippet) in snippets.enumerated() {
            files["snippet\(index)"] = "import Dash\nfunc snippet\(index)() {\n\(snippet.code)\n}\n"
        }
        return try UserCompiler.found?.errors(in: files) ?? [:]
    }

    @Test("mistakes have helpful messages, correct code has none", arguments: snippets)
    func message(snippet: Snippet) throws {
        let index = try #require(Self.snippets.firstIndex { $0.testDescription == snippet.testDescription })
        let found = try Self.errors.get()["snippet\(index)"] ?? []
        if let message = snippet.message {
            #expect(found.contains { $0.contains(message) }, "the compiler said \(found)")
        } else {
            #expect(found.isEmpty)
        }
    }

    private static let shared = """
        import Dash
        let paragraph = html.P.id("paragraph"), run = html.Button.id("run"), stop = html.Button.id("stop")
        let bar = html.Progress.id("bar"), city = dcc.Dropdown.id("city"), app = DashApp()
        final class Model { var count = 0 }
        """
}

extension CompilerMessageTests {
    fileprivate static let snippets = mistakesInClosures + mistakesInComponents + mistakesInOptions + rightWays

    private static let mistakesInClosures = [
        Snippet(
            "two dependencies, a closure with one argument",
            #"app.callback(Output(paragraph.children), Input(run.nClicks), State("city", "value")) { n in "x" }"#,
            says:
                "@Sendable (Int?, JSON) async throws -> any Renderable' expects 2 arguments, but 1 was used in closure body"
        ),
        Snippet(
            "one dependency, a closure with none",
            #"app.callback(Output(paragraph.children), Input(run.nClicks)) { "x" }"#,
            says: "contextual type for closure argument list expects 1 argument, which cannot be implicitly ignored"
        ),
        Snippet(
            "the progress setter forgotten",
            """
            app.backgroundCallback(
                Output(paragraph.children), Input(run.nClicks), progress: Outputs(bar.value, bar.max)
            ) { n in "x" }
            """,
            says: "expects 2 arguments, but 1 was used in closure body"
        ),
        Snippet(
            "a wrong type for the second of two outputs",
            """
            app.callback(Outputs(paragraph.children, run.nClicks), Input(run.nClicks)) { n in
                let text = "b"
                return ("a", text)
            }
            """,
            says: "cannot convert value of type '(String, String)' to closure result type '(any Renderable, Int?)'"
        ),
        Snippet(
            "a wrong type for one output",
            #"app.callback(Output(run.disabled), Input(run.nClicks)) { n in "yes" }"#,
            says: "cannot convert value of type 'String' to closure result type 'Bool?'"
        ),
        Snippet(
            "nothing returned",
            "app.callback(Output(paragraph.children), Input(run.nClicks)) { n in print(n ?? 0) }",
            says: "cannot convert value of type '()' to closure result type 'any Renderable'"
        ),
        Snippet(
            "a mistake inside a longer body",
            """
            app.callback(Output(paragraph.children), Input(run.nClicks)) { n in
                let total = 5
                return "\\(totl)"
            }
            """,
            says: "cannot find 'totl' in scope"
        ),
        Snippet(
            "a captured object",
            """
            let model = Model()
            app.callback(Output(paragraph.children), Input(run.nClicks)) { n in "\\(model.count)" }
            """,
            says: "capture of 'model' with non-Sendable type 'Model' in a '@Sendable' closure"
        ),
        Snippet(
            "progress with a value missing",
            """
            app.backgroundCallback(
                Output(paragraph.children), Input(run.nClicks), progress: Outputs(bar.value, bar.max)
            ) { setProgress, n in
                setProgress("1")
                return ""
            }
            """,
            says: "cannot convert value of type 'String' to expected argument type '(String?, String?)'"
        ),
    ]

    private static let mistakesInComponents = [
        Snippet(
            "a misspelt property",
            "app.callback(Output(paragraph.childern), Input(run.nClicks)) { n in nil }",
            says: "value of type 'html.PRef' has no member 'childern'"
        ),
        Snippet(
            "a property of another component",
            "app.callback(Output(paragraph.disabled), Input(run.nClicks)) { n in true }",
            says: "value of type 'html.PRef' has no member 'disabled'"
        ),
        Snippet(
            "the id of another component",
            #"_ = html.Button("b", id: paragraph)"#,
            says: "cannot convert value of type 'html.PRef' to expected argument type 'html.ButtonRef'"
        ),
        Snippet(
            "a misspelt argument",
            #"_ = html.P("b", id: "a", clasName: "c")"#,
            says: "incorrect argument label in call (have '_:id:clasName:', expected '_:id:className:')"
        ),
        Snippet(
            "arguments in another order",
            #"_ = html.P("b", className: "a", id: "c")"#,
            says: "argument 'id' must precede argument 'className'"
        ),
        Snippet(
            "the files of a component other than an upload",
            "app.callback(Output(paragraph.children), Input(files: run)) { files in files.count }",
            says: "cannot convert value of type 'html.ButtonRef' to expected argument type 'dcc.UploadRef'"
        ),
        Snippet(
            "a download that is a text",
            #"app.callback(Output(dcc.Download.id("d").data), Input(run.nClicks)) { _ in "text" }"#,
            says: "cannot convert value of type 'String' to closure result type 'FileDownload?'"
        ),
        Snippet(
            "an unknown storage type",
            #"_ = dcc.Store(id: "store", storageType: .cookie)"#,
            says: "type 'StorageType?' has no member 'cookie'"
        ),
    ]

    private static let mistakesInOptions = [
        Snippet(
            "running: with a value of another type",
            """
            app.callback(
                Output(paragraph.children), Input(run.nClicks),
                running: [.set(run.disabled, to: "yes", finally: false)]
            ) { n in "x" }
            """,
            says: "cannot convert value of type 'String' to expected argument type 'Bool'"
        ),
        Snippet(
            "cancel: with a state",
            """
            app.backgroundCallback(
                Output(paragraph.children), Input(run.nClicks), cancel: [State(stop.nClicks)]
            ) { n in "x" }
            """,
            says: "cannot convert value of type 'State<Int?>' to expected element type 'any AnyInput'"
        ),
        Snippet(
            "a property where an input is needed",
            #"app.callback(Output(paragraph.children), run.nClicks) { n in "x" }"#,
            says: "requires that 'Prop<Int?>' conform to 'Dependency'"
        ),
        Snippet(
            "cancel: of a regular callback",
            #"app.callback(Output(paragraph.children), Input(run.nClicks), cancel: [Input(stop.nClicks)]) { n in "x" }"#,
            says: "extraneous argument label 'cancel:' in call"
        ),
    ]

    private static let rightWays = [
        Snippet(
            "components of several kinds and text in one list",
            #"app.layout = [html.P("x"), "text", html.Button("b")]"#,
            says: nil
        ),
        Snippet(
            "names without types, in closures without types",
            """
            app.callback(Output("a", "b"), Input("c", "d")) { n in "\\(n)" }
            app.callback(Output("a", "b"), Input("c", "d"), State(city.value)) { (v: Double?, c) in (v ?? 0) * 2 }
            """,
            says: nil
        ),
        Snippet(
            "some outputs left unchanged",
            """
            app.callback(
                Outputs(Output(paragraph.children), Output(run.nClicks).skippable), Input(city.value.as(String?.self))
            ) { c in
                guard let c else { throw PreventUpdate() }
                return ("City \\(c)", .skip)
            }
            """,
            says: nil
        ),
        Snippet(
            "results of several kinds from one closure",
            """
            app.callback(Outputs(paragraph.children, run.disabled), Input(run.nClicks)) { clicks in
                if clicks == 2 { return (html.B("two"), nil) }
                return (["a", html.B("x")] as [Element], true)
            }
            """,
            says: nil
        ),
        Snippet(
            "onError that returns values, nothing, or only sets properties",
            """
            app.callback(Output(paragraph.children), Input(run.nClicks), onError: { "\\($0)" }) { n in "x" }
            app.callback(Output(paragraph.title), Input(run.nClicks), onError: { _ in nil }) { n in "x" }
            app.backgroundCallback(
                NoOutput(), Input(run.nClicks), onError: { setProps(paragraph.children, $0.message) }
            ) { _ in setProps("x", ["y": 3]) }
            """,
            says: nil
        ),
        Snippet(
            "a cache that ignores arguments by property or position",
            """
            app.backgroundCallback(
                Output(paragraph.children), Input(run.nClicks), State(city.value),
                cache: .by({ "v1" }, expire: .seconds(60), ignoring: [run.nClicks, city.value], scope: .session)
            ) { n, c in "x" }
            app.backgroundCallback(
                Output(paragraph.title), Input(run.nClicks), cache: .by({ 3 }, ignoring: [.index(0)])
            ) { n in "x" }
            """,
            says: nil
        ),
        Snippet(
            "all components of a family",
            """
            let remove = html.Button.family("remove")
            app.callback(Output(paragraph.children), Input(remove.all.nClicks)) { clicks in
                clicks.compactMap(\\.self).reduce(0, +)
            }
            """,
            says: nil
        ),
        Snippet(
            "the context of the call, outside of and inside a job",
            """
            app.jobContext = JobContext(cookies: ["theme"])
            app.identify { request in request.cookies["user"] }
            app.onError { failure in setProps(paragraph.children, failure.message) }
            app.backgroundCallback(Output(paragraph.children), Input(run.nClicks)) { _ in
                "\\(try ctx.cookie("theme") ?? "") \\(try ctx.owner) \\(ctx.triggeredID?.text ?? "")"
            }
            """,
            says: nil
        ),
    ]
}
