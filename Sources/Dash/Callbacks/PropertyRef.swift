/// One property of one component, or of those a pattern stands for.
struct PropertyRef: Sendable, Hashable, CustomStringConvertible {
    /// The component.
    var id: ComponentID
    /// The property's name in the browser, without the `@…` that tells duplicate outputs apart.
    var property: String

    /// `id.property`, the browser's key.
    var text: String { "\(id.text).\(property)" }

    var description: String { text }
}

extension PropertyRef {
    init<Value>(_ property: Prop<Value>) {
        self.init(id: property.id, property: property.name)
    }

    /// Reads `id.property`; the last dot is the one between the two, as pattern ids may hold dots.
    init?(text: String) {
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
