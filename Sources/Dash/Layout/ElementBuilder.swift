public import DashJSON

/// Puts an ``Element`` together; for generated code, which sets what was given and leaves out what was not.
public struct ElementBuilder: Sendable {
    private var element: Element

    /// Begins a component of these names in the browser.
    public init(_ namespace: String, _ type: String) { element = Element(namespace: namespace, type: type) }

    /// Sets the id, if there is one.
    public mutating func id(_ id: ComponentID?) { set("id", id) }

    /// Sets the children, if there are any.
    public mutating func children(_ children: (any Renderable)?) { set("children", children) }

    /// Sets a property, if it was given.
    ///
    /// Not inlined: a component has some fifty of these calls.
    @inline(never)
    public mutating func set(_ name: String, _ value: (any JSONEncodable)?) {
        guard let value else { return }
        element.properties.append(Element.Property(name: name, value: value))
    }

    /// The component, with properties that the generated code does not know (`data-…`, `aria-…`) in the order of
    /// their names.
    public func finish(_ extra: [String: any JSONEncodable] = [:]) -> Element {
        var element = element
        for (name, value) in extra.sorted(by: { $0.key < $1.key }) {
            element.properties.append(Element.Property(name: name, value: value))
        }
        return element
    }
}
