public import DashJSON

/// A component's id that knows the component's type, so that its properties are known: `html.Button.id("run").nClicks`.
///
/// Generated code declares one for each component, with a `Prop` for each property. Where a reference is expected, a
/// string or a dictionary of id values is one too: `html.P("text", id: "paragraph")`.
public protocol ComponentRef: Sendable, Hashable, ExpressibleByStringInterpolation, ExpressibleByDictionaryLiteral
where StringLiteralType == String, Key == String, Value == IDValue {
    /// The id on the page.
    var componentID: ComponentID { get }

    /// A reference to the component with this id.
    init(_ componentID: ComponentID)
}

extension ComponentRef {
    /// A reference by a plain id.
    public init(stringLiteral value: String) { self.init(ComponentID(value)) }

    /// A reference by a pattern id; the last value of a repeated key counts.
    public init(dictionaryLiteral elements: (String, IDValue)...) {
        self.init(ComponentID(pattern: Dictionary(elements, uniquingKeysWith: { $1 })))
    }

    /// A property by its name in the browser, for one that the generated code does not know:
    /// `chart.prop("data-kind", as: String?.self)`.
    public func prop<V: JSONConvertible>(_ name: String, as type: V.Type = V.self) -> Prop<V> {
        Prop(componentID, name)
    }

    /// A property that holds components, by its name in the browser.
    public func nodeProp(_ name: String) -> Prop<any Renderable> { Prop(node: componentID, name) }
}

/// A reference to a component without generated Swift: `AnyRef("gauge").prop("value", as: Double?.self)`.
public struct AnyRef: ComponentRef {
    /// The id on the page.
    public let componentID: ComponentID

    /// A reference to the component with this id.
    public init(_ componentID: ComponentID) { self.componentID = componentID }
}

/// One property of one component, with the type of its values.
///
/// Generated references make them: `run.nClicks` is a `Prop<Int?>`. It is what ``Input``, ``State``, ``Output`` and
/// ``setProps(_:_:)-(_,Value)`` take.
public struct Prop<Value>: Sendable {
    /// The component.
    public let id: ComponentID
    /// The property's name as the browser knows it, such as `n_clicks`.
    public let name: String
    /// True if the values are lists of one value for each component that the id stands for.
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

    /// The same property with another type, for where the generated one is too wide or wrong:
    /// `city.value.as(String?.self)`.
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
            write: { values, writer in
                writer.byte(UInt8(ascii: "["))
                for (index, value) in values.enumerated() {
                    if index > 0 { writer.byte(UInt8(ascii: ",")) }
                    write(value, &writer)
                }
                writer.byte(UInt8(ascii: "]"))
            },
            read: { json in
                guard let values = json.arrayValue else { throw DashError.typeMismatch([Value].self, json) }
                return try values.map(read)
            }
        )
        list.isList = true
        return list
    }

    /// The value as the bytes that travel.
    package func encoded(_ value: Value) -> RawJSON {
        var failure: (any Error)?
        return encoded(value, failure: &failure)
    }

    /// The value as the bytes that travel, and why it could not be written if so.
    func encoded(_ value: Value, failure: inout (any Error)?) -> RawJSON {
        var writer = JSONWriter(capacity: 64)
        write(value, &writer)
        failure = writer.failure
        return RawJSON(unchecked: writer.bytes)
    }
}

extension Prop where Value: JSONConvertible {
    /// A property by its name in the browser; nothing checks that the component has it.
    public init(_ id: ComponentID, _ name: String) {
        self.init(
            id: id,
            name: name,
            write: { $0.encode(to: &$1) },
            read: { try Value(json: $0) }
        )
    }
}

extension Prop where Value == any Renderable {
    /// A property that holds components, such as `children`. Read as an input it is ``/DashJSON/JSON``.
    public init(node id: ComponentID, _ name: String) {
        self.init(id: id, name: name, write: { $0.encode(to: &$1) }, read: { $0 })
    }
}
