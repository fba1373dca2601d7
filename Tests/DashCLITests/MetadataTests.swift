import DashJSON
import Testing

@testable import DashCLI

@Suite("Suite metadata")
struct MetadataTests {
    @Test("Components are named after their files, properties keep their order")
    func read() throws {
        let components = try ComponentMetadata.read(
            Array(
                """
                {"src/lib/Zoo.react.js": {"props": {"id": {"type": {"name": "string"}}, "b": {"flowType": {"name": "any"}},
                "a": {"required": true}}}, "src/Ape.tsx": {}}
                """.utf8
            )
        )
        #expect(components.map(\.name) == ["Zoo", "Ape"])
        #expect(components[0].props.map(\.name) == ["id", "b", "a"])
        #expect(components[0].props.map(\.kind) == ["string", "any", ""])
    }

    @Test("Anything other than an object is rejected", arguments: ["[]", "{", "1"])
    func refuse(text: String) {
        #expect(throws: (any Error).self) { try ComponentMetadata.read(Array(text.utf8)) }
    }

    @Test("Paths of components are found in shapes, lists, maps and unions")
    func paths() {
        let node: JSON = ["name": "node"]
        let item: JSON = ["name": "shape", "value": ["label": node, "n": ["name": "number"]]]
        let component = ComponentMetadata(
            name: "Thing",
            props: [
                PropMetadata(name: "children", type: node),
                PropMetadata(name: "icon", type: ["name": "element"]),
                PropMetadata(name: "items", type: ["name": "arrayOf", "value": item]),
                PropMetadata(name: "byName", type: ["name": "objectOf", "value": node]),
                PropMetadata(name: "either", type: ["name": "union", "value": [["name": "string"], node, node]]),
                PropMetadata(name: "deep", type: ["name": "exact", "value": ["a": item]]),
                PropMetadata(name: "text", type: ["name": "string"]),
            ]
        )
        #expect(
            ChildrenPaths.of(component) == ["icon", "items[].label", "byName{}", "either", "deep.a.label"]
        )
    }
}
