public import DashJSON

/// One property that a callback writes: `Output(paragraph.children)`, or by name `Output("paragraph", "children")`.
public struct Output<Value>: OutputSet {
    private let slot: OutputSlot
    private let put: @Sendable (Value, inout OutputWriter) -> Void

    init(slot: OutputSlot, put: @escaping @Sendable (Value, inout OutputWriter) -> Void) {
        self.slot = slot
        self.put = put
    }

    /// Creates an output.
    ///
    /// - Parameters:
    ///   - property: The property to write.
    ///   - allowDuplicate: Whether other callbacks may write the same property. Requires `preventInitialCall: true` or
    ///     `.initialDuplicate`, as the order of initial calls is undefined.
    public init(_ property: Prop<Value>, allowDuplicate: Bool = false) {
        let slot = OutputSlot(ref: PropertyRef(property), allowDuplicate: allowDuplicate, isList: property.isList)
        self.init(slot: slot) { value, writer in
            writer.write(value, as: property)
        }
    }

    /// The same output for a closure that may leave it unchanged: it returns `.set(value)` or `.skip`.
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

    /// The same output for a closure that returns a ``Patch``.
    public var patched: Output<Patch> {
        Output<Patch>(slot: slot) { patch, writer in writer.write(RawJSON(patch)) }
    }

    /// The same output for a closure that may leave components of a list unchanged: it returns a list of `.set(value)`,
    /// `.patch(change)` and `.skip`, one for each component.
    public func eachSkippable<Element>() -> Output<[Update<Element>]> where Value == [Element] {
        let put = put
        return Output<[Update<Element>]>(slot: slot) { updates, writer in
            writer.write(UpdateList.encoded(updates) { OutputWriter.encoded([$0], put) })
        }
    }

    /// This output.
    public var outputSlots: [OutputSlot] { [slot] }

    /// Writes the value.
    public func write(_ value: Value, to writer: inout OutputWriter) { put(value, &writer) }
}

extension Output where Value: JSONEncodable {
    /// Creates an output from the property's name in the browser. Nothing checks that the component has the property.
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - property: The property's name in the browser, such as `n_clicks`.
    ///   - allowDuplicate: Whether other callbacks may write the same property.
    public init(_ id: ComponentID, _ property: String, allowDuplicate: Bool = false) {
        let target = Prop<Value>(id: id, name: property, write: { $0.encode(to: &$1) }, read: Self.refuse)
        self.init(target, allowDuplicate: allowDuplicate)
    }

    // Outputs are never read, so an encodable type suffices.
    @Sendable
    private static func refuse(_ json: JSON) throws -> Value { throw DashError.typeMismatch(Value.self, json) }
}

/// The closure's result for an output that is ``Output/skippable``.
public enum Update<Value> {
    /// A new value.
    case set(Value)
    /// The property stays unchanged.
    case skip
    /// A change to the value.
    case patch(Patch)
}

extension Update: Sendable where Value: Sendable {}

extension Output where Value == JSON {
    /// Creates an output of type JSON from the property's name in the browser.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowDuplicate: Bool = false) {
        self.init(Prop<JSON>(id, property), allowDuplicate: allowDuplicate)
    }
}

/// A new value for a property.
struct PropertyUpdate: Sendable, Hashable {
    var ref: PropertyRef
    var value: RawJSON
}

/// A new value for one of a callback's outputs, by the output's position; skipped outputs have none.
///
/// Results are stored by position, because the ids that match a pattern differ between requests.
struct OutputUpdate: Sendable, Hashable {
    var index: Int
    var value: RawJSON
}

/// The encoding of a list in which some values stay unchanged. It uses Dash's mark, so that Python workers can send it.
enum UpdateList {
    private static let mark: JSON = ["_dash_no_update": "_dash_no_update"]
    private static let markBytes = mark.serialized()

    /// Encodes a list.
    ///
    /// - Parameter encode: Returns the JSON of a list with this one value.
    static func encoded<Value>(_ updates: [Update<Value>], _ encode: (Value) -> RawJSON) -> RawJSON {
        var writer = JSONWriter()
        writer.array(of: updates) { update, writer in
            switch update {
            case .set(let value): writer.raw(bytes: encode(value).bytes.dropFirst().dropLast())
            case .patch(let patch): patch.encode(to: &writer)
            case .skip: writer.raw(bytes: markBytes)
            }
        }
        return RawJSON(unchecked: writer.bytes)
    }

    /// Whether a value leaves the output unchanged.
    static func isSkip(_ value: RawJSON) -> Bool { value.bytes == markBytes }

    /// The values for a list of components; `nil` for unchanged ones.
    ///
    /// - Throws: ``DashError`` with code `wrong-result` if the number of values differs from the number of components.
    static func values(_ value: RawJSON, count: Int, output: PropertyRef) throws -> [JSON?] {
        let values = value.json.arrayValue
        guard let values, values.count == count else {
            throw DashError(
                .wrongResult,
                """
                \(output) matches \(count) components, but the callback returned \
                \(values.map { "\($0.count) values" } ?? "no list"). Return one value for each, in the order of ctx.outputsGrouping.
                """
            )
        }
        return values.map { $0 == mark ? JSON?.none : $0 }
    }
}
