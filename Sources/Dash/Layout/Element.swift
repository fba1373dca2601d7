public import DashJSON

/// A component, or a text among components.
///
/// Generated functions create them (`html.Div(…)`); a component without generated Swift is written as
/// `Element(namespace: "my_lib", type: "Gauge", id: "gauge", props: ["value": 3])`.
public struct Element: Renderable {
    struct Property: Sendable {
        var name: String
        var value: any JSONEncodable
    }

    enum Content: Sendable {
        case text(String)
        case component(namespace: String, type: String)
    }

    let content: Content
    var properties: [Property]

    /// Creates a component from its names in the browser. Nothing checks that the suite has it or that it has the
    /// properties.
    public init(
        namespace: String,
        type: String,
        id: ComponentID? = nil,
        props: KeyValuePairs<String, any JSONEncodable> = [:]
    ) {
        content = .component(namespace: namespace, type: type)
        properties = id.map { [Property(name: "id", value: $0)] } ?? []
        properties += props.map { Property(name: $0.key, value: $0.value) }
    }

    init(content: Content, properties: [Property]) {
        self.content = content
        self.properties = properties
    }

    /// Creates a text.
    public init(text: String) { self.init(content: .text(text), properties: []) }

    /// The value of a property by its name in the browser; `nil` if it was not set.
    public subscript(name: String) -> (any JSONEncodable)? { properties.last { $0.name == name }?.value }

    /// Writes `{"props":…,"type":…,"namespace":…}`, or the text.
    public func encode(to writer: inout JSONWriter) {
        switch content {
        case .text(let text): writer.string(text)
        case .component(let namespace, let type): encode(namespace, type, to: &writer)
        }
    }

    private func encode(_ namespace: String, _ type: String, to writer: inout JSONWriter) {
        writer.object { element in
            element.member("props") { writer in
                writer.object { for property in properties { $0.member(property.name, property.value) } }
            }
            element.member("type", type)
            element.member("namespace", namespace)
        }
    }
}

extension Element: ExpressibleByStringInterpolation {
    /// Creates a text, so that texts and components can be elements of one list.
    public init(stringLiteral value: String) { self.init(text: value) }
}

/// A value for a component's children: a text, a number, a component, a list of these, or nothing.
///
/// A callback whose output is `children` returns `any Renderable`, so a string, an ``Element`` or a list of elements
/// needs no conversion.
public protocol Renderable: JSONEncodable {}

extension String: Renderable {}
extension Substring: Renderable {}
extension Int: Renderable {}
extension Double: Renderable {}
extension JSON: Renderable {}
extension RawJSON: Renderable {}
extension Optional: Renderable where Wrapped: Renderable {}
extension Array: Renderable where Element: Renderable {}

/// Builds an ``Element``; for generated code, which sets only the properties that were given.
public struct ElementBuilder: Sendable {
    private var element: Element

    /// Creates a builder from the component's names in the browser.
    public init(_ namespace: String, _ type: String) { element = Element(namespace: namespace, type: type) }

    /// Sets the id unless it is nil.
    public mutating func id(_ id: ComponentID?) { set("id", id) }

    /// Sets the children unless they are nil.
    public mutating func children(_ children: (any Renderable)?) { set("children", children) }

    /// Sets a property unless it is nil.
    ///
    /// Not inlined, because a component has about fifty of these calls.
    @inline(never)
    public mutating func set(_ name: String, _ value: (any JSONEncodable)?) {
        guard let value else { return }
        element.properties.append(Element.Property(name: name, value: value))
    }

    /// Returns the component, with properties that the generated code does not know (`data-…`, `aria-…`) sorted by
    /// name.
    public func finish(_ extra: [String: any JSONEncodable] = [:]) -> Element {
        var element = element
        for (name, value) in extra.sorted(by: { $0.key < $1.key }) {
            element.properties.append(Element.Property(name: name, value: value))
        }
        return element
    }
}

/// Inline CSS with React's names: `["visibility": "hidden", "backgroundColor": "#eee"]`.
public struct Style: JSONEncodable, JSONDecodable, Hashable, ExpressibleByDictionaryLiteral {
    /// Names and values, in order.
    public var properties: JSONObject

    /// Creates a style from names and values.
    public init(_ properties: JSONObject = [:]) { self.properties = properties }

    /// Creates a style from names and values; variables must be JSON: `["width": "\(n)px", "opacity": .double(x)]`.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var properties = JSONObject()
        for (name, value) in elements { properties[name] = value }
        self.init(properties)
    }

    /// Decodes an object.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for anything else.
    public init(json: JSON) throws {
        guard let object = json.objectValue else { throw DashError.typeMismatch(Style.self, json) }
        self.init(object)
    }

    /// Writes an object.
    public func encode(to writer: inout JSONWriter) { properties.encode(to: &writer) }

    /// The value of a name; setting `nil` removes it.
    public subscript(name: String) -> JSON? {
        get { properties[name] }
        set { properties[name] = newValue }
    }
}
