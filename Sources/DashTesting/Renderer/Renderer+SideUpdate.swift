import Dash
import DashJSON

/// Values that come beside the outputs: of `running:`, progress and `setProps`.
extension Renderer {
    /// Sets properties by `{"id": {"property": value}}` or `{"id.property": value}`.
    mutating func apply(sideUpdate: JSONObject, of call: PageCall) {
        for (position, (text, value)) in sideUpdate.enumerated() {
            do {
                let (id, values) = try Self.target(text, value)
                let ids = try concrete(id, of: call, position: position)
                for id in ids { try set(values, on: id, of: call) }
            } catch {
                errors.append(error)
            }
        }
    }

    private static func target(_ text: String, _ value: JSON) throws(TestError) -> (ComponentID, JSON) {
        // A property follows the last dot; of a pattern's text the end is a brace.
        if !text.hasSuffix("}"), let ref = PropertyRef(text: text), text.contains(".") {
            return (ref.id, .object([ref.property: value]))
        }
        return (try ComponentID(ofText: text), value)
    }

    /// The components that an id with wildcards means in a call. Its `match` is that of the input that changed.
    private func concrete(
        _ id: ComponentID,
        of call: PageCall,
        position: Int
    ) throws(TestError) -> [ComponentID] {
        guard id.hasWildcard else { return [id] }
        let changed = call.changed.map(\.ref.id)
        let reference = changed.indices.contains(position) ? changed[position] : changed.first
        if !id.matchKeys.isEmpty, reference == nil {
            throw TestError(
                .callback,
                """
                \(id.text) in running: or progress: means nothing in an initial call, as no input has changed: \
                say preventInitialCall: true.
                """
            )
        }
        return layout.places(like: id).map(\.id).filter { found in
            id.members.allSatisfy { key, value in
                guard let member = found.members[key] else { return false }
                switch value {
                case .match: return member == reference?.members[key]
                case .all: return true
                case .allSmaller: return member.order(beside: reference?.members[key]) < 0
                default: return member == value
                }
            }
        }
    }

    private mutating func set(_ values: JSON, on id: ComponentID, of call: PageCall) throws(TestError) {
        guard let path = layout.path(of: id) else {
            if suppressesExceptions { return }
            let callback = graph.callbacks[call.callback].title
            throw TestError(
                .unknownComponent,
                "The callback of \(callback) sets properties of \(id.text), and the page has no component with this id."
            )
        }
        let properties = try patched(values, of: id)
        for (name, value) in properties { layout.set(name, to: value, at: path) }
        notify(id, properties.map(\.name))
        reindex(path, properties.map(\.name))
        effects.append(.changed(id, properties: properties.map(\.name), isByCallback: true))
    }
}
