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
