import DashJSON
import Testing

@testable import DashCLI

@Suite("Property types")
struct TypeRulesTests {
    private static func union(_ members: JSON...) -> JSON { ["name": "union", "value": .array(members)] }
    private static func words(_ values: JSON...) -> JSON {
        ["name": "enum", "value": .array(values.map { ["value": $0] })]
    }

    private static let cases: [(String, JSON, PropType?)] = [
        ("title", ["name": "string"], .text),
        ("width", ["name": "number"], .number),
        ("n_clicks", ["name": "number"], .integer),
        ("n_clicks", union(["name": "number", "raw": "number"]), .integer),
        ("disabled", ["name": "bool"], .flag),
        ("children", ["name": "any"], .components),
        ("label", union(["name": "string"], ["name": "node"]), .components),
        ("style", ["name": "object"], .style),
        ("parent_style", ["name": "any", "raw": "CSSProperties | undefined"], .style),
        ("style_cell", ["name": "object"], .style),
        ("style_cell_conditional", ["name": "arrayOf", "value": ["name": "shape"]], .list),
        ("getRowStyle", ["name": "shape"], .object),
        ("type", words("'a'", "'b'"), .text),
        ("type", words(.null, "'a'"), .text),
        ("type", words("'a'", "null"), .text),
        ("responsive", words("true", "false", "'auto'"), .any),
        ("kind", ["name": "enum", "raw": "Kind"], .any),
        ("hidden", union(["name": "enum", "value": [["value": "'hidden'"]]], ["name": "bool"]), .flag),
        ("debounce", union(["name": "number"], ["name": "bool"]), .any),
        ("options", ["name": "arrayOf", "value": ["name": "string"]], .texts),
        ("value", ["name": "arrayOf", "value": ["name": "number"]], .numbers),
        ("data", ["name": "arrayOf", "value": ["name": "object"]], .list),
        ("marks", ["name": "objectOf", "value": ["name": "any"]], .object),
        ("date", ["name": "any", "raw": "`${string}-${string}` | undefined"], .text),
        ("anything", .null, .any),
        ("onClick", ["name": "func"], nil),
        ("setProps", ["name": "func"], nil),
        ("id", ["name": "string"], nil),
        ("data-*", ["name": "string"], nil),
        ("_dash", ["name": "string"], nil),
    ]

    @Test("The type is derived from the metadata", arguments: cases)
    func type(name: String, type: JSON, expected: PropType?) {
        let prop = PropMetadata(name: name, type: type)
        #expect(TypeRules.type(of: prop, in: "Thing", namespace: "my_suite") == expected)
    }

    @Test("The manually maintained table takes precedence")
    func better() {
        let prop = PropMetadata(name: "figure", type: ["name": "exact"])
        #expect(TypeRules.type(of: prop, in: "Graph", namespace: "dash_core_components") == .figure)
        #expect(TypeRules.type(of: prop, in: "Graph", namespace: "my_suite") == .object)
    }
}
