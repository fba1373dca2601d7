import DashJSON
import Testing

@testable import Dash

@Suite("Typed references")
struct ReferenceTests {
    @Test("properties have their names in the browser")
    func names() {
        let run = html.Button.id("run")
        #expect(PropertyRef(run.nClicks).text == "run.n_clicks")
        #expect(PropertyRef(run.children).text == "run.children")
        #expect(PropertyRef(run.prop("data-kind", as: String?.self)).text == "run.data-kind")
        #expect(PropertyRef(AnyRef("gauge").prop("value", as: Double?.self)).text == "gauge.value")
    }

    @Test("a family's members share a type and differ in their index")
    func families() {
        let remove = html.Button.family("remove")
        #expect(remove[3].componentID.text == #"{"index":3,"type":"remove"}"#)
        #expect(remove["a"].componentID.text == #"{"index":"a","type":"remove"}"#)
        #expect(PropertyRef(remove.match.nClicks).text == #"{"index":["MATCH"],"type":"remove"}.n_clicks"#)
        #expect(PropertyRef(remove.all.nClicks).text == #"{"index":["ALL"],"type":"remove"}.n_clicks"#)
    }

    @Test("a property of all members is a list")
    func lists() throws {
        let clicks: Prop<[Int?]> = html.Button.family("remove").all.nClicks
        #expect(try clicks.read([1, nil, 3]) == [1, nil, 3])
        #expect(clicks.encoded([1, nil]).description == "[1,null]")
        #expect(throws: (any Error).self) { try clicks.read("none") }
    }

    @Test("a property's type can be narrowed")
    func narrowed() throws {
        let value = dcc.Input.id("name").value.as(Int.self)
        #expect(try value.read(3) == 3)
        #expect(throws: (any Error).self) { try value.read("three") }
    }

    @Test("the text of a property is split at its last dot")
    func splitting() {
        #expect(PropertyRef(text: "a.b") == PropertyRef(id: "a", property: "b"))
        #expect(PropertyRef(text: #"{"index":"x.y"}.value"#) == PropertyRef(id: ["index": "x.y"], property: "value"))
        #expect(PropertyRef(text: "nothing") == nil)
    }
}
