public import DashJSON

/// A property that a callback reads, and whose changes run it: `Input(run.nClicks)`, or by name
/// `Input("run", "n_clicks")`.
public struct Input<Value>: Dependency, AnyInput {
    private let reader: PropertyReader<Value>
    private let isOptional: Bool

    init(reader: PropertyReader<Value>, isOptional: Bool) {
        self.reader = reader
        self.isOptional = isOptional
    }

    /// Creates an input.
    ///
    /// - Parameters:
    ///   - property: The property to read.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component; the value is then
    ///     null.
    public init(_ property: Prop<Value>, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(property), isOptional: allowOptional)
    }

    /// The property; several for inputs such as `Input(files:)`.
    public var slots: [Slot] { reader.slots(isState: false, isOptional: isOptional) }

    /// Reads the value.
    public func read(from arguments: inout ArgumentReader) throws -> Value {
        try reader.read(from: &arguments)
    }
}

extension Input where Value: JSONDecodable {
    /// Creates an input from the property's name in the browser. Nothing checks that the component has the property.
    /// The type is that of the closure's argument.
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { try Value(json: $0) }, isOptional: allowOptional)
    }
}

extension Input where Value == JSON {
    /// Creates an input of type JSON from the property's name in the browser.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { $0 }, isOptional: allowOptional)
    }
}

/// An ``Input`` of any type, for lists: `cancel: [Input(stop.nClicks)]`.
public protocol AnyInput: Sendable {
    /// The properties.
    var slots: [Slot] { get }
}

/// A property that a callback reads, but whose changes do not run it: `State(name.value)`, or by name
/// `State("name", "value")`.
public struct State<Value>: Dependency {
    private let reader: PropertyReader<Value>
    private let isOptional: Bool

    init(reader: PropertyReader<Value>, isOptional: Bool) {
        self.reader = reader
        self.isOptional = isOptional
    }

    /// Creates a state.
    ///
    /// - Parameters:
    ///   - property: The property to read.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component; the value is then
    ///     null.
    public init(_ property: Prop<Value>, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(property), isOptional: allowOptional)
    }

    /// The property; several for states such as `State(files:)`.
    public var slots: [Slot] { reader.slots(isState: true, isOptional: isOptional) }

    /// Reads the value.
    public func read(from arguments: inout ArgumentReader) throws -> Value {
        try reader.read(from: &arguments)
    }
}

extension State where Value: JSONDecodable {
    /// Creates a state from the property's name in the browser. Nothing checks that the component has the property. The
    /// type is that of the closure's argument.
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { try Value(json: $0) }, isOptional: allowOptional)
    }
}

extension State where Value == JSON {
    /// Creates a state of type JSON from the property's name in the browser.
    @_disfavoredOverload
    public init(_ id: ComponentID, _ property: String, allowOptional: Bool = false) {
        let ref = PropertyRef(id: id, property: property)
        self.init(reader: PropertyReader(ref: ref) { $0 }, isOptional: allowOptional)
    }
}
