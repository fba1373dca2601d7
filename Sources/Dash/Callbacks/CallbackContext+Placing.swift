import DashJSON
import Logging

/// Which components of the page a pattern means in this call.
extension CallbackContext {
    /// What each `match` of the callback stands for in this call, by key.
    var match: [String: IDValue] {
        let slots = bindings.compactMap { binding in binding.pattern.map { ($0.id, binding.members.map(\.id)) } }
        var values: [String: IDValue] = [:]
        for (pattern, ids) in outputs.map({ ($0.pattern.id, $0.ids) }) + slots {
            guard let id = ids.first else { continue }
            for key in pattern.matchKeys where values[key] == nil { values[key] = id.members[key] }
        }
        return values
    }

    /// The updates with the components of this call in the place of patterns, one value for all that a pattern stands for.
    ///
    /// `all` is left to the browser, which knows every component of the page. What cannot be placed is logged and left out.
    func placed(_ updates: [PropertyUpdate]) -> [PropertyUpdate] {
        guard updates.contains(where: \.ref.id.hasWildcard) else { return updates }
        return updates.flatMap { update -> [PropertyUpdate] in
            guard update.ref.id.hasWildcard else { return [update] }
            guard let ref = matched(update.ref) else { return [] }
            guard ref.id.members.values.contains(.allSmaller) else {
                return [PropertyUpdate(ref: ref, value: update.value)]
            }
            return components(ref).map {
                PropertyUpdate(ref: PropertyRef(id: $0, property: ref.property), value: update.value)
            }
        }
    }

    /// A list of values for the components that the callback's own input, state or output of this pattern has.
    func listed(_ update: PropertyUpdate) -> [PropertyUpdate] {
        guard let ref = matched(update.ref), let values = update.value.json.arrayValue else { return [] }
        let ids = components(ref)
        guard ids.count == values.count else {
            Self.complain(
                """
                \(ref) got \(values.count) values for \(ids.count) components, so nothing is set: give one value for each \
                component of an Input, State or Output of the same pattern, or one value for all by .every.
                """
            )
            return []
        }
        return zip(ids, values).map { id, value in
            PropertyUpdate(ref: PropertyRef(id: id, property: ref.property), value: RawJSON(json: value))
        }
    }

    /// The reference with values for every `match`; nil if this call has none, which is logged.
    private func matched(_ ref: PropertyRef) -> PropertyRef? {
        let keys = ref.id.matchKeys
        guard !keys.isEmpty else { return ref }
        let values = match
        guard keys.allSatisfy({ values[$0] != nil }) else {
            Self.complain("\(ref) has a match that no Input, State or Output of the callback has, so nothing is set.")
            return nil
        }
        return PropertyRef(id: ref.id.matched(by: values), property: ref.property)
    }

    /// The components that the callback's own inputs, states and outputs have of a pattern.
    private func components(_ ref: PropertyRef) -> [ComponentID] {
        let known = bindings.compactMap { binding in binding.pattern.map { ($0, binding.members.map(\.id)) } }
        let found = (known + outputs.map { ($0.pattern, $0.ids) }).first { matched($0.0)?.id == ref.id }
        if found == nil {
            Self.complain("\(ref.id) is no pattern of the callback's Inputs, States and Outputs, so nothing is set.")
        }
        return found?.1 ?? []
    }

    private static func complain(_ sentence: String) { Logger(label: "dash").error("\(sentence)") }
}
