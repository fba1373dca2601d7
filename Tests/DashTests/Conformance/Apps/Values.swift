import DashJSON

@testable import Dash

/// Thrown where the recorded app returns an unsupported value or fails.
struct Broken: Error, CustomStringConvertible {
    var description = "broken"
}

extension ConformanceApp {
    static func values() -> DashApp {
        let label = html.Div.id("label")
        let app = DashApp()
        app.layout = html.Div([
            dcc.Dropdown(id: "case", options: cases.map(\.name) + ["bytes", "set", "object"]), dcc.Store(id: "out"),
            dcc.Store(id: "roundtrip-in"), dcc.Store(id: "roundtrip-out"),
            html.Div("\(texts[0].value)\(texts[1].value)", id: label, title: "ü/<>&"),
        ])
        app.callback(Output("out", "data"), Input("case", "value"), preventInitialCall: true) { (name: String) in
            // Returning a UUID, bytes, a set or an object does not compile.
            guard let value = cases.first(where: { $0.name == name && !$0.value.isEmpty })?.value else {
                throw Broken()
            }
            return RawJSON(unchecked: Array(value.utf8))
        }
        app.callback(Output("roundtrip-out", "data"), Input("roundtrip-in", "data"), preventInitialCall: true) {
            (data: JSON) in
            JSON.object(["value": data])
        }
        return app
    }

    private static let texts = [
        (name: "text", value: "Füße – 漢字 – \u{1f680} – عربى"),
        (name: "html", value: "</script><b>&amp;</b> 'single' \"double\" \\ back / slash"),
        (name: "control", value: "tab\tnewline\nnul\0bell\u{7}del\u{7f} line\u{2028}para\u{2029}"),
        (name: "empty", value: ""),
    ]

    /// The values, as encoded by our writer.
    private static let cases: [(name: String, value: String)] =
        texts.map { ($0.name, $0.value.jsonText) } + [
            ("none", String?.none.jsonText), ("true", true.jsonText), ("zero", 0.jsonText),
            ("negative", (-17).jsonText),
            ("minus_zero", (-0.0).jsonText), ("float", 0.1.jsonText), ("sum", (0.1 + 0.2).jsonText),
            ("whole_float", 3.0.jsonText), ("small", Double.leastNonzeroMagnitude.jsonText),
            ("exponent", 1e21.jsonText),
            ("exponent16", 1e16.jsonText), ("big_int", 9_007_199_254_740_993.jsonText),
            ("huge_int", "1180591620717411303424"), ("nan", Double.nan.jsonText), ("inf", Double.infinity.jsonText),
            ("minus_inf", (-Double.infinity).jsonText), ("nested_nan", nestedNaN.jsonText),
            // Dates are texts.
            ("date", "2024-02-29".jsonText), ("datetime", "2024-02-29T23:59:59.123456".jsonText),
            ("datetime_utc", "2024-02-29T23:59:59+00:00".jsonText), ("midnight", "2024-02-29T00:00:00".jsonText),
            ("decimal", 12.5.jsonText), ("uuid", ""), ("tuple", JSON.array([1, "two", nil]).jsonText),
            ("int_keys", JSON.object(["1": "yes", "null": "nothing"]).jsonText),
            ("unicode_keys", JSON.object(["ключ": 1, "a.b": 2, "": 3]).jsonText),
            ("deep", JSON.array([[[[]]], [:], [[:]]]).jsonText),
        ]

    private static let nestedNaN: JSON = ["a": [1.5, .double(.nan), ["b": .double(.infinity)]]]
}
