/// A suite as Swift will show it.
struct SuiteModel: Sendable, Hashable {
    /// The caseless enum that holds the components, for example `html`.
    var enumName: String
    /// The namespace in layouts, for example `dash_html_components`.
    var namespace: String
    /// What the suite is, for the documentation.
    var title: String
    var components: [ComponentModel]
    /// Properties that every component has; declared once, in the protocol of all references.
    var shared: [PropModel]
    /// The protocol of all references; nil if there are no shared properties.
    var refProtocol: String?

    /// The component of a metadata file, with the types of all properties decided.
    ///
    /// - Parameters:
    ///   - refProtocol: The protocol that holds the properties all components have in common; nil for none.
    init(
        enumName: String,
        namespace: String,
        title: String,
        metadata: [ComponentMetadata],
        refProtocol: String? = nil
    ) {
        self.enumName = enumName
        self.namespace = namespace
        self.title = title
        self.refProtocol = refProtocol
        components = metadata.map { ComponentModel($0, namespace: namespace) }
        shared = refProtocol == nil ? [] : Self.common(of: components)
    }

    private static func common(of components: [ComponentModel]) -> [PropModel] {
        guard let first = components.first else { return [] }
        return first.props.filter { prop in components.allSatisfy { $0.props.contains(prop) } }
    }
}

/// A component as Swift will show it.
struct ComponentModel: Sendable, Hashable {
    var name: String
    /// `children` first if there is one, then in the order of Dash's documentation; common ones last.
    var props: [PropModel]

    init(_ metadata: ComponentMetadata, namespace: String) {
        name = metadata.name
        let props = metadata.props.compactMap { prop in
            TypeRules.type(of: prop, in: metadata.name, namespace: namespace).map {
                PropModel(name: prop.name, type: $0)
            }
        }
        self.props = props.enumerated()
            .sorted { (Self.rank($0.element), $0.offset) < (Self.rank($1.element), $1.offset) }
            .map(\.element)
    }

    var hasChildren: Bool { props.first?.name == "children" }

    /// Properties that most components have stand behind those of the component's own.
    private static func rank(_ prop: PropModel) -> Int {
        switch prop.name {
        case "children": 0
        case "className": 2
        case "style": 3
        case "persistence", "persisted_props", "persistence_type": 4
        default: 1
        }
    }
}

/// A property as Swift will show it.
struct PropModel: Sendable, Hashable {
    /// The name in JSON.
    var name: String
    var type: PropType

    /// The name in Swift, without back-ticks.
    var swiftName: String { Naming.camelCase(name) }
}
