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

/// A new value for a property, on its way to the browser.
struct PropertyUpdate: Sendable, Hashable {
    var ref: PropertyRef
    var value: RawJSON
}

/// A new value for one of a callback's outputs, by the output's position; an output that was skipped has none.
///
/// Results are kept by position, for the ids of a pattern differ from one request to the next.
struct OutputUpdate: Sendable, Hashable {
    var index: Int
    var value: RawJSON
}

/// A list of values in which some stay as they are, as it travels: these are the mark that stock Dash uses too, so that
/// workers in Python can send it.
enum UpdateList {
    private static let mark: JSON = ["_dash_no_update": "_dash_no_update"]
    private static let markBytes = mark.serialized()

    /// The list's JSON.
    ///
    /// - Parameter encode: Gives the JSON of a list of this one value.
    static func encoded<Value>(_ updates: [Update<Value>], _ encode: (Value) -> RawJSON) -> RawJSON {
        var writer = JSONWriter()
        writer.byte(UInt8(ascii: "["))
        for (index, update) in updates.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            switch update {
            case .set(let value): writer.raw(bytes: encode(value).bytes.dropFirst().dropLast())
            case .patch(let patch): patch.encode(to: &writer)
            case .skip: writer.raw(bytes: markBytes)
            }
        }
        writer.byte(UInt8(ascii: "]"))
        return RawJSON(unchecked: writer.bytes)
    }

    /// Whether a value says that the output stays as it is.
    static func isSkip(_ value: RawJSON) -> Bool { value.bytes == markBytes }

    /// The values for a list of components; `nil` for those that stay as they are.
    ///
    /// - Throws: ``DashError`` with code `wrong-result` if there are more or fewer values than components.
    static func values(_ value: RawJSON, count: Int, output: PropertyRef) throws -> [JSON?] {
        let values = value.json.arrayValue
        guard let values, values.count == count else {
            throw DashError(
                .wrongResult,
                """
                \(output) stands for \(count) components now, but the callback returned \
                \(values.map { "\($0.count) values" } ?? "no list"): return one value for each, in the order of ctx.outputsGrouping.
                """
            )
        }
        return values.map { $0 == mark ? JSON?.none : $0 }
    }
}
