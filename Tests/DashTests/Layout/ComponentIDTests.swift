import DashJSON
import Testing

@testable import Dash

@Suite("Component ids")
struct ComponentIDTests {
    @Test("a plain id is its name")
    func plain() {
        let id: ComponentID = "chart"
        #expect(id.text == "chart")
        #expect(id.json == "chart")
    }

    @Test("a pattern id is written with sorted keys and no spaces")
    func pattern() {
        let id: ComponentID = ["type": "cell", "row": 3, "isHeader": true]
        #expect(id.text == #"{"isHeader":true,"row":3,"type":"cell"}"#)
        #expect(id.json == ["type": "cell", "row": 3, "isHeader": true])
    }

    @Test(
        "a wildcard is a list with its name",
        arguments: zip([IDValue.match, .all, .allSmaller], ["MATCH", "ALL", "ALLSMALLER"])
    )
    func wildcards(wildcard: IDValue, name: String) {
        #expect(ComponentID(pattern: ["index": wildcard]).text == #"{"index":["\#(name)"]}"#)
    }

    @Test("defect 14: a dot in a constant is written as a JSON escape")
    func dots() throws {
        let id: ComponentID = ["index": "text.with.dots", "type": "echo"]
        #expect(id.text == #"{"index":"text\u002ewith\u002edots","type":"echo"}"#)
        #expect(try ComponentID(text: id.text) == id)
    }

    @Test("defect 15: ids are compared as values, whatever their escapes")
    func escapes() throws {
        #expect(try ComponentID(text: #"{"type":"F\u00fc\u00dfe"}"#) == ["type": "Füße"])
        #expect(try ComponentID(text: #"{"type":"Füße"}"#) == ["type": "Füße"])
        #expect(try ComponentID(text: #"{"index":1.0,"type":"x"}"#) == ["index": 1, "type": "x"])
    }

    @Test(
        "an invalid id is an error",
        arguments: ["3", "null", #"{"a":null}"#, #"{"a":["SOME"]}"#, #"{"a":{}}"#]
    )
    func refused(text: String) throws {
        #expect(throws: DashError.self) { try ComponentID(json: JSON(parsing: text)) }
    }

    @Test("a pattern matches ids that differ only at its wildcards")
    func matching() {
        let pattern: ComponentID = ["type": "cell", "row": .match]
        #expect(pattern.stands(for: ["type": "cell", "row": 3]))
        #expect(pattern.stands(for: ["type": "cell", "row": "three"]))
        #expect(!pattern.stands(for: ["type": "other", "row": 3]))
        #expect(!pattern.stands(for: ["type": "cell", "row": 3, "column": 1]))
        #expect(!pattern.stands(for: ["type": "cell", "column": 3]))
        #expect(!pattern.stands(for: "cell"))
        #expect(!pattern.stands(for: ["type": "cell", "row": .all]))
        #expect(ComponentID("cell").stands(for: "cell"))
    }
}
