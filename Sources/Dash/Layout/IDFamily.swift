/// Components that share a pattern id but for an index: `let remove = html.Button.family("remove")`.
///
/// Their ids are `["type": "remove", "index": …]`: `remove[3]` is one of them, ``match`` stands for one call each,
/// ``all`` for the list of all.
public struct IDFamily<Ref: ComponentRef>: Sendable, Hashable {
    let type: String

    /// The components whose id has this `type`.
    public init(_ type: String) { self.type = type }

    /// The component with this index.
    public subscript(index: Int) -> Ref { member(.int(index)) }

    /// The component with this index.
    public subscript(index: String) -> Ref { member(.string(index)) }

    /// The component with an index of another type, or those of a wildcard: `cell[.bool(true)]`.
    public subscript(index: IDValue) -> Ref { member(index) }

    /// One call of the callback for each component: Dash's `MATCH`.
    public var match: Ref { member(.match) }

    /// All components of the family, their properties as lists: Dash's `ALL`.
    public var all: AllOf<Ref> { AllOf(member(.all)) }

    /// The components with a smaller index than that of the outputs' ``match``: Dash's `ALLSMALLER`.
    public var allSmaller: AllOf<Ref> { AllOf(member(.allSmaller)) }

    /// All components of the family, with one value for every one of them: what `running:`, `progress:` and
    /// ``setProps(_:_:)-(_,Value)`` take, as in `.set(remove.every.disabled, to: true, finally: false)`.
    public var every: Ref { member(.all) }

    /// The components with a smaller index than that of the outputs' ``match``, with one value for every one of them.
    public var everySmaller: Ref { member(.allSmaller) }

    private func member(_ index: IDValue) -> Ref {
        Ref(ComponentID(pattern: ["type": .string(type), "index": index]))
    }
}

/// A list of components of one kind: `remove.all.nClicks` is a `Prop<[Int?]>`.
@dynamicMemberLookup
public struct AllOf<Ref: ComponentRef>: Sendable, Hashable {
    private let ref: Ref

    fileprivate init(_ ref: Ref) { self.ref = ref }

    /// The property of each of the components, as a list in the order of the page.
    public subscript<Value>(dynamicMember property: KeyPath<Ref, Prop<Value>>) -> Prop<[Value]> {
        ref[keyPath: property].all
    }
}

extension ComponentRef {
    /// The components that a pattern with ``IDValue/all`` or ``IDValue/allSmaller`` stands for, their properties as lists:
    /// `html.Button.id(["row": .all, "kind": "stop"]).all.nClicks` is a `Prop<[Int?]>`.
    public var all: AllOf<Self> { AllOf(self) }
}
