public import DashJSON

/// A component's id with the component's type, which provides its properties: `html.Button.id("run").nClicks`.
///
/// Generated code declares one for each component, with a `Prop` for each property. Strings and dictionaries of id
/// values are valid literals: `html.P("text", id: "paragraph")`.
public protocol ComponentRef: Sendable, Hashable, ExpressibleByStringInterpolation, ExpressibleByDictionaryLiteral
where StringLiteralType == String, Key == String, Value == IDValue {
    /// The component's id.
    var componentID: ComponentID { get }

    /// Creates a reference to the component with an id.
    init(_ componentID: ComponentID)
}

extension ComponentRef {
    /// Creates a reference from a plain id.
    public init(stringLiteral value: String) { self.init(ComponentID(value)) }

    /// Creates a reference from a pattern id; the last value of a repeated key wins.
    public init(dictionaryLiteral elements: (String, IDValue)...) {
        self.init(ComponentID(pattern: Dictionary(elements, uniquingKeysWith: { $1 })))
    }

    /// A property by its name in the browser, if the generated code does not have it:
    /// `chart.prop("data-kind", as: String?.self)`.
    public func prop<V: JSONConvertible>(_ name: String, as type: V.Type = V.self) -> Prop<V> {
        Prop(componentID, name)
    }

    /// A property that contains components, by its name in the browser.
    public func nodeProp(_ name: String) -> Prop<any Renderable> { Prop(node: componentID, name) }
}

/// A reference to a component without generated Swift: `AnyRef("gauge").prop("value", as: Double?.self)`.
public struct AnyRef: ComponentRef {
    /// The component's id.
    public let componentID: ComponentID

    /// Creates a reference to the component with an id.
    public init(_ componentID: ComponentID) { self.componentID = componentID }
}

/// One property of one component, with the type of its values.
///
/// Generated references provide them: `run.nClicks` is a `Prop<Int?>`. Used by ``Input``, ``State``, ``Output`` and
/// ``setProps(_:_:)-(_,Value)``.
public struct Prop<Value>: Sendable {
    /// The component.
    public let id: ComponentID
    /// The property's name in the browser, such as `n_clicks`.
    public let name: String
    /// Whether the values are lists with one value for each component that matches the id.
    package internal(set) var isList = false
    let write: @Sendable (Value, inout JSONWriter) -> Void
    package let read: @Sendable (JSON) throws -> Value

    init(
        id: ComponentID,
        name: String,
        write: @escaping @Sendable (Value, inout JSONWriter) -> Void,
        read: @escaping @Sendable (JSON) throws -> Value
    ) {
        self.id = id
        self.name = name
        self.write = write
        self.read = read
    }

    /// The same property with another type, if the generated one is too wide or wrong: `city.value.as(String?.self)`.
    public func `as`<Other: JSONConvertible>(_ type: Other.Type) -> Prop<Other> {
        var other = Prop<Other>(id, name)
        other.isList = isList
        return other
    }

    /// The same property of a list of components.
    var all: Prop<[Value]> {
        let (read, write) = (self.read, self.write)
        var list = Prop<[Value]>(
            id: id,
            name: name,
            write: { values, writer in writer.array(of: values, write) },
            read: { json in
                guard let values = json.arrayValue else { throw DashError.typeMismatch([Value].self, json) }
                return try values.map(read)
            }
        )
        list.isList = true
        return list
    }

    package func encoded(_ value: Value) -> RawJSON {
        var failure: (any Error)?
        return encoded(value, failure: &failure)
    }

    /// The encoded value, and the error if encoding failed.
    func encoded(_ value: Value, failure: inout (any Error)?) -> RawJSON {
        var writer = JSONWriter(capacity: 64)
        write(value, &writer)
        failure = writer.failure
        return RawJSON(unchecked: writer.bytes)
    }
}

extension Prop where Value: JSONConvertible {
    /// Creates a property from its name in the browser. Nothing checks that the component has it.
    public init(_ id: ComponentID, _ name: String) {
        self.init(id: id, name: name, write: { $0.encode(to: &$1) }, read: { try Value(json: $0) })
    }
}

extension Prop where Value == any Renderable {
    /// Creates a property that contains components, such as `children`. Read as an input, its value is
    /// ``/DashJSON/JSON``.
    public init(node id: ComponentID, _ name: String) {
        self.init(id: id, name: name, write: { $0.encode(to: &$1) }, read: { $0 })
    }
}
