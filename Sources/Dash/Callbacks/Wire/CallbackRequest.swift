import DashJSON

/// A request to run a callback, validated against the callback it names (docs/protocol.md, Callback requests).
struct CallbackRequest: Sendable {
    /// The components that receive one output's value.
    enum Target: Sendable, Hashable {
        case one(ComponentID)
        /// A list of values, one for each component of a pattern with `all`.
        case list([ComponentID])

        var ids: [ComponentID] {
            switch self {
            case .one(let id): [id]
            case .list(let ids): ids
            }
        }
    }

    /// One for each slot.
    let bindings: [CallbackContext.Binding]
    /// The inputs whose change ran the callback.
    let triggered: [CallbackContext.Property]
    /// One for each declared output.
    var targets: [Target] { isReserved ? [] : wireTargets }
    /// One for each output as the browser knows them.
    let wireTargets: [Target]
    private let isReserved: Bool
    private let outputs: [CallbackContext.Target]

    /// Decodes the body of a request.
    ///
    /// - Parameters:
    ///   - body: The body.
    ///   - callback: The callback of the body's `output`.
    /// - Throws: ``DashError`` with code `invalid-request` if ids, properties or their number do not match the
    ///   callback.
    init(decoding body: JSON, for callback: Callback) throws {
        bindings = try Self.bindings(in: body, of: callback)
        let targets = try Self.targets(in: body["outputs"], of: callback)
        wireTargets = targets
        isReserved = callback.reservedOutput != nil
        // A reserved output is not public; its ids are those of the first input.
        outputs =
            isReserved
            ? [] : zip(callback.wireOutputs, targets).map { CallbackContext.Target(pattern: $0, ids: $1.ids) }
        triggered = Self.triggered(in: body["changedPropIds"], bindings: bindings)
    }

    /// The context for running the callback in this process.
    func context(
        page: PageRequest,
        owner: String,
        reply: CallbackReply? = nil,
        emit: @escaping @Sendable (CallbackContext.Event) -> Void
    ) -> CallbackContext {
        CallbackContext(
            triggered: triggered,
            bindings: bindings,
            request: .whole(page, owner: owner),
            outputs: outputs,
            reply: reply,
            emit: emit
        )
    }
}

// MARK: - Inputs and states

extension CallbackRequest {
    private static func bindings(in body: JSON, of callback: Callback) throws -> [CallbackContext.Binding] {
        var inputs = (body["inputs"].arrayValue ?? [])[...]
        var states = (body["state"].arrayValue ?? [])[...]
        let bindings = try callback.slots.map { slot in
            guard let item = slot.isState ? states.popFirst() : inputs.popFirst() else {
                throw unfitting(callback, "too few inputs or states")
            }
            return try binding(item, slot, callback)
        }
        guard inputs.isEmpty, states.isEmpty else { throw unfitting(callback, "too many inputs or states") }
        return bindings
    }

    private static func binding(_ item: JSON, _ slot: Slot, _ callback: Callback) throws -> CallbackContext.Binding {
        let isList = slot.ref.id.standsForList
        guard case .array(let items) = isList ? item : .array([item]) else {
            throw unfitting(callback, "\(slot.ref.text) must be a list")
        }
        let members = try items.map { try member($0, slot, callback) }
        return CallbackContext.Binding(
            isState: slot.isState,
            isList: isList,
            members: members,
            pattern: slot.ref.id.hasWildcard ? slot.ref : nil
        )
    }

    private static func member(_ item: JSON, _ slot: Slot, _ callback: Callback) throws -> CallbackContext.Property {
        guard let ref = PropertyRef(entry: item), slot.ref.stands(for: ref) || isAbsent(ref, slot) else {
            throw unfitting(callback, "found \(item["id"].excerpt) in place of \(slot.ref.text)")
        }
        return CallbackContext.Property(id: ref.id, property: ref.property, value: item["value"])
    }

    /// Whether a request names the slot itself, as it does for a pattern without components on the page.
    private static func isAbsent(_ ref: PropertyRef, _ slot: Slot) -> Bool { slot.isOptional && ref == slot.ref }

    private static func triggered(in changed: JSON, bindings: [CallbackContext.Binding]) -> [CallbackContext.Property] {
        // Ids are compared as values, because the browser's escaping differs from ours.
        let changed = (changed.arrayValue ?? []).compactMap { $0.stringValue.flatMap { PropertyRef(text: $0) } }
        guard !changed.isEmpty else { return [] }
        let members = bindings.filter { !$0.isState }.flatMap(\.members)
        // A dictionary, as a pattern may match thousands of components.
        let values = Dictionary(
            members.map { (PropertyRef(id: $0.id, property: $0.property), $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        return changed.map { CallbackContext.Property(id: $0.id, property: $0.property, value: values[$0] ?? .null) }
    }
}

// MARK: - Outputs

extension CallbackRequest {
    private static func targets(in outputs: JSON, of callback: Callback) throws -> [Target] {
        let expected = callback.wireOutputs
        let items: [JSON]
        switch (expected.count, outputs) {
        case (0, _): items = []
        case (1, _) where !callback.isMultiple: items = [outputs]
        case (_, .array(let array)) where array.count == expected.count: items = array
        default: throw unfitting(callback, "wrong number of outputs")
        }
        return try zip(expected, items).map { try target($1, $0, callback) }
    }

    private static func target(_ item: JSON, _ ref: PropertyRef, _ callback: Callback) throws -> Target {
        if ref.id.standsForList {
            guard case .array(let items) = item else {
                throw unfitting(callback, "\(ref.text) must be a list")
            }
            return .list(try items.map { try component($0, ref, callback) })
        }
        return .one(try component(item, ref, callback))
    }

    private static func component(_ item: JSON, _ ref: PropertyRef, _ callback: Callback) throws -> ComponentID {
        guard let found = PropertyRef(entry: item), ref.stands(for: found) else {
            throw unfitting(callback, "found \(item["id"].excerpt) in place of \(ref.text)")
        }
        return found.id
    }

    private static func unfitting(_ callback: Callback, _ what: String) -> DashError {
        DashError(
            .invalidRequest,
            """
            The request does not match the callback \(callback.id): \(what). The page may come from another version of \
            the app. Reload it.
            """
        )
    }
}
