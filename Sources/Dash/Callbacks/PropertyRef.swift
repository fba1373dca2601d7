/// One property of one component, or of those a pattern stands for.
package struct PropertyRef: Sendable, Hashable, CustomStringConvertible {
    /// The component.
    package var id: ComponentID
    /// The property's name in the browser, without the `@…` that tells duplicate outputs apart.
    package var property: String

    /// A property of a component.
    package init(id: ComponentID, property: String) {
        self.id = id
        self.property = property
    }

    /// `id.property`, the browser's key.
    package var text: String { "\(id.text).\(property)" }

    package var description: String { text }
}

extension PropertyRef {
    package init<Value>(_ property: Prop<Value>) {
        self.init(id: property.id, property: property.name)
    }

    /// Reads `id.property`; the last dot is the one between the two, as pattern ids may hold dots.
    package init?(text: String) {
        guard let dot = text.lastIndex(of: "."), let id = try? ComponentID(text: String(text[..<dot])) else {
            return nil
        }
        self.init(id: id, property: String(text[text.index(after: dot)...]))
    }

    /// True if `other`, of a real component, is this property or one it stands for.
    func stands(for other: PropertyRef) -> Bool {
        property == other.property && id.stands(for: other.id)
    }
}
