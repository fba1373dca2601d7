public import DashJSON

/// One property that a callback writes: `Output(paragraph.children)`, or by names `Output("paragraph", "children")`.
public struct Output<Value>: OutputSet {
    private let slot: OutputSlot
    private let put: @Sendable (Value, inout OutputWriter) -> Void

    init(slot: OutputSlot, put: @escaping @Sendable (Value, inout OutputWriter) -> Void) {
        self.slot = slot
        self.put = put
    }

    /// An output to a property.
    ///
    /// - Parameters:
    ///   - property: Where the closure's result goes.
    ///   - allowDuplicate: Whether other callbacks may write the same property. Needs `preventInitialCall: true` or
    ///     `.initialDuplicate`, as nobody could say which of them comes last when the page loads.
    public init(_ property: Prop<Value>, allowDuplicate: Bool = false) {
        let slot = OutputSlot(ref: PropertyRef(property), allowDuplicate: allowDuplicate, isList: property.isList)
        self.init(slot: slot) { value, writer in
            writer.write(value, as: property)
        }
    }

    /// The same output, whose value the closure may leave as it is: it returns `.set(value)` or `.skip`.
    public var skippable: Output<Update<Value>> {
        let put = put
        return Output<Update<Value>>(slot: slot) { update, writer in
            switch update {
            case .set(let value): put(value, &writer)
            case .skip: writer.skip()
            case .patch(let patch): writer.write(RawJSON(patch))
            }
        }
    }

    /// The same output, which the closure changes in part: it returns a ``Patch``.
    public var patched: Output<Patch> {
        Output<Patch>(slot: slot) { patch, writer in writer.write(RawJSON(patch)) }
    }

    /// The same output to a list of components, each of which may stay as it is: the closure returns a list of
    /// `.set(value)`, `.patch(change)` and `.skip`, one for each component.
    public func eachSkippable<Element>() -> Output<[Update<Element>]> where Value == [Element] {
        let put = put
        return Output<[Update<Element>]>(slot: slot) { updates, writer in
            writer.write(UpdateList.encoded(updates) { OutputWriter.encoded([$0], put) })
        }
    }

    /// The output alone.
    public var outputSlots: [OutputSlot] { [slot] }

    /// Writes the value.
    public func write(_ value: Value, to writer: inout OutputWriter) { put(value, &writer) }
}

extension Output where Value: JSONEncodable {
    /// An output by the names of the browser; nothing checks that the component has the property.
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - property: The property's name in the browser, such as `n_clicks`.
    ///   - allowDuplicate: Whether other callbacks may write the same property.
    public init(_ id: ComponentID, _ property: String, allowDuplicate: Bool = false) {
        let target = Prop<Value>(id: id, name: property, write: { $0.encode(to: &$1) }, read: Self.refuse)
        self.init(target, allowDuplicate: allowDuplicate)
    }

    // An output is never read, so a type that can only be written is enough.
    @Sendable
    private static func refuse(_ json: JSON) throws -> Value { throw DashError.typeMismatch(Value.self, json) }
}

/// What the closure returns for an output that is ``Output/skippable``.
public enum Update<Value> {
    /// A new value.
    case set(Value)
    /// The property stays as it is.
    case skip
    /// The property is changed in part.
    case patch(Patch)
}

extension Update: Sendable where Value: Sendable {}

extension Output where Value == JSON {
    /// An output by the names of the browser, with nothing that tells its type.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowDuplicate: Bool = false) {
        self.init(Prop<JSON>(id, property), allowDuplicate: allowDuplicate)
    }
}
