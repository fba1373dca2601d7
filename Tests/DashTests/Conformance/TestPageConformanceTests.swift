import DashJSON
import DashTesting
import Testing

@testable import Dash

/// Compares the requests of a test's page with those of a browser in the recordings.
@Suite("The page of a test compared with recorded requests")
struct TestPageConformanceTests {
    /// Recordings of apps with one page whose callbacks succeed.
    static let recordings = [
        "allow_duplicate", "grouped_inputs", "multi_output", "nested_children", "no_input", "no_output_set_props",
        "no_update_partial", "patch", "pattern_all", "pattern_allsmaller", "pattern_match", "prevent_update",
        "running_plain", "single_output", "state",
    ]

    /// The number of a browser's requests that are missing in a recording: here those of the callback that each change
    /// of `box.style` triggers.
    static let leftOut = ["allow_duplicate": 2]

    @Test("a page sends the recorded bodies at load and after user actions", arguments: recordings)
    func bodies(name: String) async throws {
        let app = try #require(ConformanceApp.all[name]?())
        var left = try Recording(name).exchanges.filter(\.isCallback).map { Self.normalized($0.body) }
        try await app.app.test { page in
            var (seen, others) = (0, 0)
            while true {
                for body in page.sentBodies[seen...] {
                    let body = Self.normalized(body)
                    let place = left.firstIndex(of: body)
                    if let place { left.remove(at: place) } else { others += 1 }
                    #expect(others <= Self.leftOut[name] ?? 0, "\(name): not recorded: \(body.text)")
                }
                seen = page.sentBodies.count
                guard let next = left.first else { break }
                for (ref, value) in Self.states(of: next) {
                    try await page.set(Prop<JSON>(ref.id, ref.property), value)
                }
                let action = Self.action(before: next)
                try #require(!action.isEmpty, "\(name): no action leads to \(next.text)")
                for (ref, value) in action { try await page.set(Prop<JSON>(ref.id, ref.property), value) }
                try #require(page.sentBodies.count > seen, "\(name): nothing was sent instead of \(next.text)")
            }
        }
    }

    /// The values of the sent states, which may have been set before.
    private static func states(of body: JSON) -> [(PropertyRef, JSON)] {
        (body["state"].arrayValue ?? []).flatMap { $0.arrayValue ?? [$0] }.compactMap { state in
            guard let value = state.objectValue?["value"], let id = try? ComponentID(json: state["id"]) else {
                return nil
            }
            return (PropertyRef(id: id, property: state["property"].stringValue ?? ""), value)
        }
    }

    /// The user's action before a request: the changed inputs.
    private static func action(before body: JSON) -> [(PropertyRef, JSON)] {
        let changed = (body["changedPropIds"].arrayValue ?? []).compactMap { PropertyRef(text: $0.stringValue ?? "") }
        let inputs = (body["inputs"].arrayValue ?? []).flatMap { $0.arrayValue ?? [$0] }
        return changed.map { ref in
            let input = inputs.first { $0["id"] == ref.id.json && $0["property"].stringValue == ref.property }
            return (ref, input?["value"] ?? .null)
        }
    }

    /// A body without names that differ between servers.
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
