import DashJSON
import Jobs
import Testing

@testable import Dash

@Suite("The form of a job for other programs")
struct SiteJobCodecTests {
    private let job = "reports/make"
    private let empty = RawJSON(unchecked: Array("{}".utf8))

    private func raw(_ json: JSON) -> RawJSON { RawJSON(json: json) }

    /// A site with a callback of two inputs, a state and a pattern.
    private func codec() -> SiteJobCodec {
        let app = DashApp(name: "reports")
        app.layout = html.Div()
        app.backgroundCallback(
            Outputs(Output<String>("out", "children"), Output<Int>("count", "value")),
            Input("run-it", "n_clicks"),
            Input("text", "value"),
            State("who", "value"),
            Input(["type": "row", "index": .all], "value"),
            name: "make"
        ) { (clicks: Int, text: String, who: String?, rows: [String]) in
            ("\(clicks) \(text) \(who ?? "-") \(rows)", clicks)
        }
        app.backgroundCallback(Output<String>("single", "children"), Input("run-it", "n_clicks"), name: "one") {
            (_: Int) in ""
        }
        app.backgroundCallback(NoOutput(), Input("run-it", "n_clicks"), name: "none") { (_: Int) in }
        let site = DashSite()
        site.mount(app, at: "/")
        return SiteJobCodec(site: site)
    }

    /// The context of a job.
    private let context = CallbackContext(
        triggered: [.init(id: "text", property: "value", value: "hé")],
        bindings: [
            .init(isState: false, isList: false, members: [.init(id: "run-it", property: "n_clicks", value: 3)]),
            .init(isState: false, isList: false, members: [.init(id: "text", property: "value", value: "hé")]),
            .init(isState: true, isList: false, members: [.init(id: "who", property: "value", value: .null)]),
            .init(
                isState: false,
                isList: true,
                members: [
                    .init(id: ["type": "row", "index": 1], property: "value", value: "a"),
                    .init(id: ["type": "row", "index": 2], property: "value", value: "b"),
                ]
            ),
        ],
        request: .whole(PageRequest(path: "/x", headers: [:], cookies: ["theme": "dark"]), owner: "session:1")
    ) { _ in }

    private var payload: [UInt8] {
        context.encoded(carrying: JobContext(cookies: ["theme"], headers: []), isShared: false)
    }

    @Test("The arguments are the values; the rest of the payload does not contain them")
    func arguments() throws {
        let (arguments, extra) = try codec().encode(payload: payload, of: job)
        #expect(arguments.description == #"[3,"hé",null,["a","b"]]"#)
        #expect(!extra.description.contains("hé"))
        #expect(extra.json["request"]["cookies"]["theme"] == "dark")
    }

    @Test("Both together restore the payload")
    func roundTrip() throws {
        let codec = codec()
        let (arguments, extra) = try codec.encode(payload: payload, of: job)
        let again = try codec.payload(of: job, arguments: arguments, kwargs: empty, extra: extra)
        #expect(try JSON(parsing: again) == JSON(parsing: payload))
        let context = try CallbackContext(decoding: again) { _ in }
        #expect(context.triggered.map(\.value) == ["hé"])
        #expect(try context.cookie("theme") == "dark")
    }

    @Test("A call by another program has arguments by position or by the inputs' names")
    func foreignCalls() throws {
        let wanted: [JSON] = [5, "x", "me", ["r"]]
        let calls: [(JSON, JSON)] = [
            ([5, "x", "me", ["r"]], [:]),
            ([5, "x"], ["who": "me", #"{"index":["ALL"],"type":"row"}.value"#: ["r"]]),
            ([], ["run-it.n_clicks": 5, "text": "x", "who": "me", #"{"index":["ALL"],"type":"row"}.value"#: ["r"]]),
            ([], ["run_it": 5, "text_value": "x", "who.value": "me", #"{"index":["ALL"],"type":"row"}.value"#: ["r"]]),
            ([], ["n_clicks": 5, "text": "x", "who": "me", #"{"index":["ALL"],"type":"row"}.value"#: ["r"]]),
        ]
        for (arguments, kwargs) in calls {
            let payload = try codec().payload(of: job, arguments: raw(arguments), kwargs: raw(kwargs), extra: nil)
            let context = try CallbackContext(decoding: payload) { _ in }
            #expect(context.arguments == wanted, "\(arguments) \(kwargs)")
            #expect(context.triggered.isEmpty)
            #expect(throws: DashError.self) { try context.cookie("theme") }
        }
    }

    @Test("A missing argument is null, or an empty list for a pattern")
    func missing() throws {
        let payload = try codec().payload(of: job, arguments: raw([1]), kwargs: .null, extra: nil)
        #expect(try CallbackContext(decoding: payload) { _ in }.arguments == [1, .null, .null, []])
    }

    @Test(
        "An invalid call is an error with a message",
        arguments: [
            ([1, 2, 3, [4], 5], [:], "takes 4 arguments, and 5 were given"),
            ([], ["nonsense": 1], "has no argument “nonsense”; it has run-it.n_clicks, text.value, who.value"),
            ([1], ["run_it": 2], "got the argument “run_it” twice"),
            ([], ["value": 1], "has no argument “value”"),
            ([1, 2, 3, 4], [:], "takes a list for"),
            ("x", [:], "must be a list"),
            ([], [1], "must be an object"),
        ] as [(JSON, JSON, String)]
    )
    func refusals(arguments: JSON, kwargs: JSON, sentence: String) {
        let error = #expect(throws: DashError.self) {
            try codec().payload(of: job, arguments: raw(arguments), kwargs: raw(kwargs), extra: nil)
        }
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }

    @Test("The result is one output's value or a list for several; null for no output or no update")
    func values() throws {
        let codec = codec()
        let both = Array(#"{"0":"text","1":7}"#.utf8)
        #expect(try codec.value(ofResult: both, of: job).description == #"["text",7]"#)
        #expect(try codec.value(ofResult: Array(#"{"1":7}"#.utf8), of: job).description == "[null,7]")
        #expect(try codec.value(ofResult: Array(#"{"0":"x"}"#.utf8), of: "reports/one").description == #""x""#)
        #expect(try codec.value(ofResult: Array("{}".utf8), of: "reports/none").description == "null")
        #expect(try codec.value(ofResult: Array("null".utf8), of: job).description == "null")
    }

    @Test("The value of another program's task becomes a job's result")
    func results() throws {
        let codec = codec()
        func result(_ json: JSON, _ job: String) throws -> String {
            String(decoding: try codec.result(ofValue: raw(json), of: job), as: UTF8.self)
        }
        #expect(try result(["a": 1], "reports/one") == #"{"0":{"a":1}}"#)
        #expect(try result(["text", 7], job) == #"{"0":"text","1":7}"#)
        #expect(try result("whatever", "reports/none") == "{}")
        for wrong: JSON in [["text"], "text", .null] {
            let error = #expect(throws: DashError.self) { try result(wrong, job) }
            #expect(error?.message.contains("a list of 2 values") == true)
        }
    }

    @Test("An unknown job is an error")
    func unknownJob() {
        #expect(throws: DashError.self) { try codec().value(ofResult: [], of: "reports/other") }
        #expect(codec().progress(ofMeta: raw([1]), of: "reports/other").isEmpty)
    }
}
