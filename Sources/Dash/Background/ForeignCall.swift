import DashJSON

/// A call of a job by another program: arguments by position, or by the names of the callback's inputs and states.
///
/// A property's name is `id.property`, or its id or property alone where that is unambiguous, with `_` for characters
/// that Python does not allow in names.
struct ForeignCall: Sendable {
    let job: String
    let slots: [Slot]

    /// Encodes the call as a job's payload.
    ///
    /// - Throws: ``DashError`` with a message for the caller, similar to Python's for a function.
    func payload(_ values: [JSON], kwargs: JSONObject) throws -> JobPayload {
        guard values.count <= slots.count else {
            throw refusal("takes \(slots.count) arguments, and \(values.count) were given")
        }
        var arguments: [JSON?] = values.map(Optional.some) + Array(repeating: nil, count: slots.count - values.count)
        for (name, value) in kwargs {
            guard let position = position(of: name) else {
                throw refusal("has no argument “\(name)”; it has \(names)")
            }
            guard arguments[position] == nil else { throw refusal("got the argument “\(name)” twice") }
            arguments[position] = value
        }
        return JobPayload(bindings: try zip(slots, arguments).map { try binding($0, $1) })
    }

    private func binding(_ slot: Slot, _ value: JSON?) throws -> CallbackContext.Binding {
        let isList = slot.ref.id.standsForList
        let values: [JSON]
        if isList {
            guard let list = value.map(\.arrayValue) ?? [] else {
                throw refusal("takes a list for \(slot.ref.text)")
            }
            values = list
        } else {
            values = [value ?? .null]
        }
        return CallbackContext.Binding(
            isState: slot.isState,
            isList: isList,
            members: values.map { CallbackContext.Property(id: slot.ref.id, property: slot.ref.property, value: $0) }
        )
    }

    private func position(of name: String) -> Int? {
        for named: (PropertyRef) -> String in [\.text, \.text.asName, \.id.text.asName, \.property.asName] {
            let found = slots.indices.filter { named(slots[$0].ref) == name }
            if found.count == 1 { return found[0] }
        }
        return nil
    }

    private var names: String {
        slots.isEmpty ? "none" : slots.map(\.ref.text).joined(separator: ", ")
    }

    private func refusal(_ what: String) -> DashError {
        DashError(.invalidRequest, "The job \(job) \(what).")
    }
}

extension String {
    /// The text with `_` for characters that Python does not allow in names.
    fileprivate var asName: String {
        String(map { $0.isLetter || $0.isNumber || $0 == "_" ? $0 : "_" })
    }
}
