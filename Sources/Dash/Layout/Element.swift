public import DashJSON

/// A component as it is sent to the browser, or a piece of text among components.
///
/// Generated functions make them (`html.Div(…)`); a component without generated Swift is written as
/// `Element(namespace: "my_lib", type: "Gauge", id: "gauge", props: ["value": 3])`.
public struct Element: Renderable {
    /// One property that was given.
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

    /// A component by its names in the browser; nothing checks that the suite has it or that it has the properties.
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

    /// A piece of text.
    public init(text: String) { self.init(content: .text(text), properties: []) }

    /// A property that was given, by its name in the browser; `nil` if it was not.
    public subscript(name: String) -> (any JSONEncodable)? { properties.last { $0.name == name }?.value }

    /// Writes `{"props":…,"type":…,"namespace":…}`, or the text.
    public func encode(to writer: inout JSONWriter) {
        switch content {
        case .text(let text): writer.string(text)
        case .component(let namespace, let type): encode(namespace, type, to: &writer)
        }
    }

    private func encode(_ namespace: String, _ type: String, to writer: inout JSONWriter) {
        writer.raw(#"{"props":{"#)
        for (index, property) in properties.enumerated() {
            if index > 0 { writer.byte(UInt8(ascii: ",")) }
            writer.string(property.name)
            writer.byte(UInt8(ascii: ":"))
            property.value.encode(to: &writer)
        }
        writer.raw(#"},"type":"#)
        writer.string(type)
        writer.raw(#","namespace":"#)
        writer.string(namespace)
        writer.byte(UInt8(ascii: "}"))
    }
}

extension Element: ExpressibleByStringInterpolation {
    /// A piece of text, so that texts and components may stand in one list.
    public init(stringLiteral value: String) { self.init(text: value) }
}
