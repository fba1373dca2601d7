import DashJSON
import DashTesting
import Testing

@testable import Dash

/// What the page of a test sends is what the browser sent: its requests are those of the recordings.
@Suite("The page of a test beside recorded requests")
struct TestPageConformanceTests {
    /// Recordings of what a person did with an app of one page whose callbacks end well.
    static let recordings = [
        "allow_duplicate", "grouped_inputs", "multi_output", "nested_children", "no_input", "no_output_set_props",
        "no_update_partial", "patch", "pattern_all", "pattern_allsmaller", "pattern_match", "prevent_update",
        "running_plain", "single_output", "state",
    ]

    @Test("a page at load, and after what a person did, sends the recorded bodies", arguments: recordings)
    func bodies(name: String) async throws {
        let app = try #require(ConformanceApp.all[name]?())
        var left = try Recording(name).exchanges.filter(\.isCallback).map { Self.normalized($0.body) }
        try await app.app.test { page in
            var seen = 0
            while true {
                for body in page.sentBodies[seen...] {
                    let body = Self.normalized(body)
                    let place = left.firstIndex(of: body)
                    #expect(place != nil, "\(name): nobody else sent \(body.text)")
                    if let place { left.remove(at: place) }
                }
                seen = page.sentBodies.count
                guard let next = left.first else { break }
                let action = Self.action(before: next)
                try #require(!action.isEmpty, "\(name): nothing leads to \(next.text)")
                for (id, properties) in action { try await Self.set(properties, of: id, on: page) }
                try #require(page.sentBodies.count > seen, "\(name): nothing was sent in place of \(next.text)")
            }
        }
    }

    private static func set(_ properties: [(String, JSON)], of id: ComponentID, on page: TestPage) async throws {
        for (property, value) in properties { try await page.set(Prop<JSON>(id, property), value) }
    }

    /// What a person did before a request: the inputs that had changed, by component.
    private static func action(before body: JSON) -> [(ComponentID, [(String, JSON)])] {
        let changed = (body["changedPropIds"].arrayValue ?? []).compactMap { PropertyRef(text: $0.stringValue ?? "") }
        let inputs = (body["inputs"].arrayValue ?? []).flatMap { $0.arrayValue ?? [$0] }
        return changed.map { ref in
            let input = inputs.first { $0["id"] == ref.id.json && $0["property"].stringValue == ref.property }
            return (ref.id, [(ref.property, input?["value"] ?? .null)])
        }
    }

    /// A body without what each server names as it likes.
    private static func normalized(_ body: JSON) -> JSON {
        var body = body
        body["output"] = .null
        body["outputs"] = plain(body["outputs"])
        body["changedPropIds"] = .array(
            (body["changedPropIds"].arrayValue ?? []).map { text in
                .string(PropertyRef(text: text.stringValue ?? "")?.text ?? text.text)
            }
        )
        return body
    }

    private static func plain(_ outputs: JSON) -> JSON {
        if let items = outputs.arrayValue { return .array(items.map(plain)) }
        guard let property = outputs["property"].stringValue else { return outputs }
        var outputs = outputs
        outputs["property"] = .string(String(property.prefix { $0 != "@" }))
        return outputs
    }
}
