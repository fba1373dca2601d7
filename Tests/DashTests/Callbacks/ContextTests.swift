import DashJSON
import Testing

@testable import Dash

@Suite("The context of a callback")
struct ContextTests {
    private let page = PageRequest(
        path: "/_dash-update-component?endId=1",
        headers: ["accept-language": "nb", "authorization": "secret"],
        cookies: ["theme": "dark", "token": "secret"],
        remoteAddress: "10.0.0.1"
    )

    /// The context as decoded in a job.
    private func inJob(_ names: JobContext = JobContext(), isShared: Bool = false) throws -> CallbackContext {
        let start = CallbackContext(
            triggered: [.init(id: ["index": 1, "type": "x"], property: "n_clicks", value: 2)],
            bindings: [
                .init(
                    isState: false,
                    isList: true,
                    members: [
                        .init(id: ["index": 1, "type": "x"], property: "n_clicks", value: 2),
                        .init(id: ["index": 2, "type": "x"], property: "n_clicks", value: .null),
                    ]
                ),
                .init(isState: true, isList: false, members: [.init(id: "city", property: "value", value: "Oslo")]),
            ],
            request: .whole(page, owner: "ada"),
            emit: { _ in }
        )
        return try CallbackContext(decoding: start.encoded(carrying: names, isShared: isShared), emit: { _ in })
    }

    @Test("triggers and arguments are passed to a job")
    func survives() throws {
        let context = try inJob()
        #expect(context.triggeredID == ["index": 1, "type": "x"])
        #expect(context.arguments == [[2, .null], "Oslo"])
        #expect(context.inputs.map(\.id.text) == [#"{"index":1,"type":"x"}"#, #"{"index":2,"type":"x"}"#])
        #expect(context.states.map(\.value) == ["Oslo"])
    }

    @Test("in the web process the whole request is readable")
    func whole() throws {
        let context = makeContext(.whole(page, owner: "ada"))
        #expect(try context.owner == "ada")
        #expect(try context.path == "/_dash-update-component?endId=1")
        #expect(try context.cookie("theme") == "dark")
        #expect(try context.cookie("other") == nil)
        #expect(try context.header("Accept-Language") == "nb")
    }

    @Test("a job reads only the listed cookies and headers; others are an error")
    func listed() throws {
        let context = try inJob(JobContext(cookies: ["theme", "other"], headers: ["Accept-Language"]))
        #expect(try context.owner == "ada")
        #expect(try context.cookie("theme") == "dark")
        #expect(try context.cookie("other") == nil)
        #expect(try context.header("accept-language") == "nb")
        let error = #expect(throws: DashError.self) { try context.cookie("token") }
        #expect(error?.code == .notInJob)
        #expect(error?.message.contains(#"app.jobContext.cookies.insert("token")"#) == true)
        #expect(throws: DashError.self) { try context.header("authorization") }
    }

    @Test("unlisted values are not stored")
    func notStored() {
        let text = String(
            decoding: makeContext(.whole(page, owner: "ada")).encoded(carrying: JobContext(), isShared: false),
            as: UTF8.self
        )
        #expect(!text.contains("secret"))
        #expect(!text.contains("10.0.0.1"))
    }

    @Test("a job with a shared result cannot read the request; the error names the scope to use")
    func shared() throws {
        let context = try inJob(JobContext(cookies: ["theme"], headers: ["accept-language"]), isShared: true)
        let readers: [(CallbackContext) throws -> Void] = [
            { _ = try $0.cookie("theme") }, { _ = try $0.header("accept-language") }, { _ = try $0.owner },
            { _ = try $0.path },
        ]
        for read in readers {
            let error = #expect(throws: DashError.self) { try read(context) }
            #expect(error?.code == .notInSharedJob)
            #expect(error?.message.contains("scope: .session") == true)
        }
        let stored = makeContext(.whole(page, owner: "ada")).encoded(
            carrying: JobContext(cookies: ["theme"]),
            isShared: true
        )
        #expect(!String(decoding: stored, as: UTF8.self).contains("ada"))
    }

    @Test(
        "an invalid context is an error",
        arguments: ["", "3", "{}", #"{"triggered":[],"arguments":[3]}"#]
    )
    func refused(text: String) {
        #expect(throws: (any Error).self) { try CallbackContext(decoding: Array(text.utf8), emit: { _ in }) }
    }

    @Test("outside of callbacks the context is empty, and setting properties has no effect")
    func outside() throws {
        #expect(ctx.triggered.isEmpty)
        #expect(try ctx.owner.isEmpty)
        setProps(title.children, "ignored")
    }

    @Test("child tasks inherit the context")
    func childTasks() async throws {
        let app = DashApp()
        app.callback(NoOutput(), Input(run.nClicks)) { _ in
            await withTaskGroup { group in
                group.addTask { setProps(title.children, "from a child") }
            }
            await Task { setProps(paragraph.children, "from a task") }.value
        }
        let reply = try await app.reply([
            "output": .string(try app.onlyCallback.id), "inputs": [["id": "button_id", "property": "n_clicks"]],
        ])
        #expect(
            reply["sideUpdate"] == ["title": ["children": "from a child"], "paragraph_id": ["children": "from a task"]]
        )
    }
}

@Suite("Progress")
struct ProgressTests {
    @Test("each call sends the values with their properties")
    func values() async throws {
        let sent = SentValues()
        let context = makeContext(arguments: [1], emit: sent.collect)
        let app = DashApp()
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            progress: Outputs(bar.value, bar.max)
        ) { setProgress, _ in
            setProgress("1", "2")
            setProgress(("2", "2"))
            return "done"
        }
        let outcome = try await app.onlyCallback.run(in: context)
        #expect(outcome == .updates([OutputUpdate(index: 0, value: RawJSON("done"))]))
        #expect(
            sent.progress.map { $0.map { "\($0.ref)=\($0.value)" } } == [
                [#"progress_bar.value="1""#, #"progress_bar.max="2""#],
                [#"progress_bar.value="2""#, #"progress_bar.max="2""#],
            ]
        )
    }
}
