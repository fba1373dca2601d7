public import DashJSON

/// A property that a callback reads, and whose changes run it: `Input(run.nClicks)`, or by names
/// `Input("run", "n_clicks")`.
public struct Input<Value>: Dependency, AnyInput {
    private let reader: PropertyReader<Value>
    private let isOptional: Bool

    init(reader: PropertyReader<Value>, isOptional: Bool) {
        self.reader = reader
        self.isOptional = isOptional
    }

    /// A property.
    ///
    /// - Parameters:
    ///   - property: What is read.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component; the value is null
    ///     then.
    public init(_ property: Prop<Value>, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(property), isOptional: allowOptional)
    }

    /// The property; for `Input(files:)` and its like those it reads.
    public var slots: [Slot] { reader.slots(isState: false, isOptional: isOptional) }

    /// Reads the value.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` if the browser sent something else.
    public func read(from arguments: inout ArgumentReader) throws -> Value {
        try reader.read(from: &arguments)
    }
}

extension Input where Value: JSONDecodable {
    /// A property by the names of the browser; nothing checks that the component has it. The closure's argument gives the
    /// type.
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { try Value(json: $0) }, isOptional: allowOptional)
    }
}

extension Input where Value == JSON {
    /// A property by the names of the browser, with nothing that tells its type.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { $0 }, isOptional: allowOptional)
    }
}

/// An ``Input`` of any type, for lists of them: `cancel: [Input(stop.nClicks)]`.
public protocol AnyInput: Sendable {
    /// The property.
    var slots: [Slot] { get }
}

/// A property that a callback reads without being run by its changes: `State(name.value)`, or by names
/// `State("name", "value")`.
public struct State<Value>: Dependency {
    private let reader: PropertyReader<Value>
    private let isOptional: Bool

    init(reader: PropertyReader<Value>, isOptional: Bool) {
        self.reader = reader
        self.isOptional = isOptional
    }

    /// A property.
    ///
    /// - Parameters:
    ///   - property: What is read.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component; the value is null
    ///     then.
    public init(_ property: Prop<Value>, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(property), isOptional: allowOptional)
    }

    /// The property; for `State(files:)` and its like those it reads.
    public var slots: [Slot] { reader.slots(isState: true, isOptional: isOptional) }

    /// Reads the value.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` if the browser sent something else.
    public func read(from arguments: inout ArgumentReader) throws -> Value {
        try reader.read(from: &arguments)
    }
}

extension State where Value: JSONDecodable {
    /// A property by the names of the browser; nothing checks that the component has it. The closure's argument gives the
    /// type.
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { try Value(json: $0) }, isOptional: allowOptional)
    }
}

extension State where Value == JSON {
    /// A property by the names of the browser, with nothing that tells its type.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { $0 }, isOptional: allowOptional)
    }
}
