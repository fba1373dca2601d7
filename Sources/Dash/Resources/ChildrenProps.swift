/// For each component of a suite, in order, the properties other than `children` that hold components.
///
/// A property is written as the path the renderer walks: `label`, `items[].label`, `map{}`.
public struct ChildrenProps: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One component and its properties.
    public struct Entry: Sendable, Hashable {
        /// The component's type.
        public var component: String
        /// The paths of its properties that hold components.
        public var paths: [String]

        /// One component and its properties.
        public init(component: String, paths: [String]) {
            self.component = component
            self.paths = paths
        }
    }

    /// The components in order.
    public var entries: [Entry]

    /// The properties by component, in the order written.
    public init(dictionaryLiteral elements: (String, [String])...) {
        entries = elements.map { Entry(component: $0.0, paths: $0.1) }
    }

    /// Components of which none has such a property but those of `exceptions`.
    ///
    /// - Parameters:
    ///   - components: The types of all components, in order, separated by spaces.
    ///   - exceptions: The properties of those components that have some.
    public init(of components: String, except exceptions: [String: [String]] = [:]) {
        entries = components.split(separator: " ").map { name in
            Entry(component: String(name), paths: exceptions[String(name)] ?? [])
        }
    }
}
