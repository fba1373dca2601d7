public import DashJSON

extension CallbackContext {
    /// One argument of the callback's closure with the components it comes from.
    public struct Argument: Sendable, Hashable {
        /// The components and values, in the order of the page; one, unless the argument is a list.
        public let members: [Property]
        /// Those whose change ran the callback.
        public let triggered: [Property]
        /// True for a ``State``.
        public let isState: Bool
        /// True if the argument is a list, one value for each component of a pattern.
        public let isList: Bool

        /// The component; of a list the first one, `nil` if it is empty.
        public var id: ComponentID? { members.first?.id }
        /// The property's name in the browser; `nil` for an empty list.
        public var property: String? { members.first?.property }
        /// The value as JSON; of a list all values.
        public var value: JSON { isList ? .array(members.map(\.value)) : members.first?.value ?? .null }
        /// Whether a change of it ran the callback.
        public var isTriggered: Bool { !triggered.isEmpty }
    }

    /// One output of the callback with the components it is written to in this call.
    public struct Target: Sendable, Hashable {
        let pattern: PropertyRef
        /// The components; one, unless the output stands for a list.
        public let ids: [ComponentID]

        /// The component; of a list the first one, `nil` if it is empty.
        public var id: ComponentID? { ids.first }
        /// The property's name in the browser.
        public var property: String { pattern.property }
        /// True if the output stands for a list of components.
        public var isList: Bool { pattern.id.standsForList }
    }

    /// The inputs and states in the order of the closure's arguments; see ``Values/args`` for those of an ``InputGroup``.
    public var argsGrouping: [Argument] {
        bindings.map { binding in
            Argument(
                members: binding.members,
                triggered: binding.isState ? [] : binding.members.filter(isTriggered),
                isState: binding.isState,
                isList: binding.isList
            )
        }
    }

    /// The outputs in the order of their declaration, with the ids that patterns stand for in this call.
    public var outputsGrouping: [Target] { outputs }

    /// Whether a change of this property, or of one that a pattern stands for, ran the callback.
    public func isTriggered<Value>(_ property: Prop<Value>) -> Bool {
        let ref = PropertyRef(property)
        return triggered.contains { ref.stands(for: PropertyRef(id: $0.id, property: $0.property)) }
    }

    private func isTriggered(_ member: Property) -> Bool {
        triggered.contains { $0.id == member.id && $0.property == member.property }
    }
}
