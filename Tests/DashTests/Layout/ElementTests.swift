import Dash
import DashJSON
import Testing

@Suite("Elements")
struct ElementTests {
    @Test("a component is encoded as its properties, type and namespace, as in Dash")
    func component() {
        let element = html.P("Button not clicked", id: "paragraph")
        let text =
            #"{"props":{"id":"paragraph","children":"Button not clicked"},"type":"P","namespace":"dash_html_components"}"#
        #expect(element.json == (try? JSON(parsing: text)))
        #expect(element.jsonText.hasPrefix(#"{"props":{"#))
        #expect(element.jsonText.hasSuffix(#"},"type":"P","namespace":"dash_html_components"}"#))
    }

    @Test("a property that was not set is omitted")
    func leftOut() {
        #expect(html.Div().jsonText == #"{"props":{},"type":"Div","namespace":"dash_html_components"}"#)
    }

    @Test("texts and components in one list")
    func mixedList() {
        let name = "Ada"
        let layout: any Renderable = [html.P("Hello"), "and \(name)", html.Button("b")]
        #expect(layout.json[1] == "and Ada")
        #expect(layout.json[2]["type"] == "Button")
    }

    @Test("children are a text, a number, a component, a list or nothing")
    func children() {
        let maybe: Element? = nil
        #expect(html.Div(3).json["props"]["children"] == 3)
        #expect(html.Div(["a", "b"]).json["props"]["children"] == ["a", "b"])
        #expect(html.Div(html.B("x")).json["props"]["children"]["type"] == "B")
        #expect(html.Div(maybe).json["props"]["children"].isNull)
        #expect(html.Div((0..<3).map { html.Li("\($0)") }).json["props"]["children"].arrayValue?.count == 3)
    }

    @Test("extra properties follow, sorted by name")
    func extra() {
        let element = html.Div(id: "a", extra: ["data-b": 2, "aria-label": "x"])
        #expect(element.jsonText.hasPrefix(#"{"props":{"id":"a","aria-label":"x","data-b":2}"#))
    }

    @Test("a component without generated Swift")
    func untyped() {
        let gauge = Element(namespace: "my_lib", type: "Gauge", id: ["type": "g", "index": 1], props: ["value": 3])
        #expect(
            gauge.jsonText == #"{"props":{"id":{"index":1,"type":"g"},"value":3},"type":"Gauge","namespace":"my_lib"}"#
        )
    }

    @Test("a component in a property other than children")
    func nested() {
        let tab = dcc.Tab(label: "one", value: "1")
        #expect(dcc.Tabs([tab], id: "tabs").json["props"]["children"][0]["props"]["label"] == "one")
    }

    @Test("a style keeps the order of its members")
    func style() {
        let style: Style = ["visibility": "hidden", "opacity": 0.5]
        #expect(html.Div(style: style).jsonText.contains(#""style":{"visibility":"hidden","opacity":0.5}"#))
        #expect(throws: DashError.self) { try Style(json: "bold") }
    }
}
