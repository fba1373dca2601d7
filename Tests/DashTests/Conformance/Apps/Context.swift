import DashJSON
import HummingbirdTesting

@testable import Dash

extension ConformanceApp {
    static func context() -> ConformanceApp {
        let a = html.Button.id("a"), b = html.Button.id("b"), p = html.Button.family("p")
        let app = DashApp()
        app.layout = html.Div([
            html.Button("a", id: a), html.Button("b", id: b), html.Button("p0", id: p[0]), html.Button("p1", id: p[1]),
            dcc.Store(id: "s", data: "state"), html.Div(id: "out"), html.Div(id: "cookie"),
        ])
        app.callback(
            Output("out", "children"),
            Input(a.nClicks),
            Input(b.nClicks),
            Input(p.all.nClicks),
            State<JSON>("s", "data")
        ) { _, _, _, _ in try story() }
        app.callback(Output("cookie", "children"), Input(b.nClicks), preventInitialCall: true) { n in
            try ctx.response.setCookie("visits", "\(n ?? 0)")
            try ctx.response.setHeader("X-Answer", "42")
            ctx.recordTiming("step one", .milliseconds(12), description: "first step")
            return ctx.timingInformation.keys.sorted()
        }
        app.page.csrfCookie = "fixture_csrf"
        app.page.csrfHeader = "X-Fixture-CSRF"
        var served = ConformanceApp(app)
        served.setup = .live
        served.site.allowedOrigins = ["http://example.invalid"]
        return served
    }

    /// The context in the form that the recorded app returns.
    private static func story() throws -> JSON {
        var story: JSON = [:]
        let changed = ctx.triggered.map { ["prop_id": .string(key($0)), "value": $0.value] as JSON }
        story["triggered"] = .array(changed.isEmpty ? [["prop_id": ".", "value": nil]] : changed)
        story["triggered_is_truthy"] = .bool(!ctx.triggered.isEmpty)
        story["triggered_id"] = ctx.triggeredID?.json ?? .null
        story["triggered_prop_ids"] = members(ctx.triggered) { $0.id.json }
        story["inputs"] = members(ctx.inputs, \.value)
        story["states"] = members(ctx.states, \.value)
        let arguments = ctx.argsGrouping
        story["inputs_list"] = .array(arguments.filter { !$0.isState }.map { listed($0, wire) })
        story["states_list"] = .array(arguments.filter(\.isState).map { listed($0, wire) })
        let target = ctx.outputsGrouping[0]
        story["outputs_list"] = ["id": target.id?.json ?? .null, "property": .string(target.property)]
        story["args_grouping"] = .array(arguments.map { argument in listed(argument) { leaf($0, of: argument) } })
        story["outputs_grouping"] = story["outputs_list"]
        // Group names are not sent, so these two have stock Dash's values for arguments by position.
        story["using_args_grouping"] = false
        story["using_outputs_grouping"] = false
        try addRequest(to: &story)
        return story
    }

    private static func addRequest(to story: inout JSON) throws {
        story["path"] = .string(try ctx.path)
        story["args"] = .object(JSONObject(try ctx.query.map { ($0.key, .string($0.value)) }))
        story["remote"] = try ctx.remoteAddress.map(JSON.string) ?? .null
        story["origin"] = try ctx.header("Origin").map(JSON.string) ?? .null
        story["cookies"] = .object(JSONObject(try ctx.cookies.map { ($0.key, .string($0.value)) }))
        story["custom_header"] = try ctx.headers["x-fixture"].map(JSON.string) ?? .null
        story["csrf_header"] = try ctx.header("X-Fixture-CSRF").map(JSON.string) ?? .null
    }

    private static func key(_ property: CallbackContext.Property) -> String {
        "\(property.id.text).\(property.property)"
    }

    private static func members(_ list: [CallbackContext.Property], _ value: (CallbackContext.Property) -> JSON) -> JSON
    {
        .object(JSONObject(list.map { (key($0), value($0)) }))
    }

    private static func listed(
        _ argument: CallbackContext.Argument,
        _ member: (CallbackContext.Property) -> JSON
    ) -> JSON {
        argument.isList ? .array(argument.members.map(member)) : argument.members.first.map(member) ?? .null
    }

    /// A missing value is omitted.
    private static func wire(_ property: CallbackContext.Property) -> JSON {
        var item: JSON = ["id": property.id.json, "property": .string(property.property)]
        if !property.value.isNull { item["value"] = property.value }
        return item
    }

    private static func leaf(_ property: CallbackContext.Property, of argument: CallbackContext.Argument) -> JSON {
        [
            "id": property.id.json, "property": .string(property.property), "value": property.value,
            "str_id": .string(property.id.text), "triggered": .bool(argument.triggered.contains(property)),
        ]
    }
}
