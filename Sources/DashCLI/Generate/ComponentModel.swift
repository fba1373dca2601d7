import DashJSON

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

/// Finds the properties that hold components, by the rule of Dash's own build.
enum ChildrenPaths {
    /// The paths of a component's properties other than `children` that may hold components.
    static func of(_ component: ComponentMetadata) -> [String] {
        component.props.filter { $0.name != "children" }.flatMap { paths(at: $0.name, type: $0.type) }
    }

    private static func paths(at path: String, type: JSON) -> [String] {
        switch type["name"].stringValue {
        case "node", "element":
            [path]
        case "shape", "exact":
            members(of: type).flatMap { paths(at: "\(path).\($0.name)", type: $0.type) }
        case "arrayOf":
            paths(at: path + "[]", type: type["value"])
        case "objectOf":
            paths(at: path + "{}", type: type["value"])
        case "union":
            unique((type["value"].arrayValue ?? []).flatMap { paths(at: path, type: $0) })
        default:
            []
        }
    }

    private static func members(of type: JSON) -> [PropMetadata] {
        (type["value"].objectValue ?? [:]).map { PropMetadata(name: $0.key, type: $0.value) }
    }

    private static func unique(_ paths: [String]) -> [String] {
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }
}

/// A component as a suite's `metadata.json` describes it.
struct ComponentMetadata: Sendable, Hashable {
    /// The component's type, for example `Dropdown`.
    var name: String
    /// Its properties, in the order of the file.
    var props: [PropMetadata]
}

/// A property of a component.
struct PropMetadata: Sendable, Hashable {
    var name: String
    /// The type as the file describes it; `null` if it says nothing.
    var type: JSON

    /// The type's name: `string`, `union`, `shape`, …; empty if unknown.
    var kind: String { type["name"].stringValue ?? "" }
}

/// Why a `metadata.json` cannot be used.
struct MetadataError: Error, CustomStringConvertible {
    var description: String
}

extension ComponentMetadata {
    /// Reads a `metadata.json`, as react-docgen and Dash's TypeScript extractor write it.
    static func read(_ bytes: [UInt8]) throws -> [ComponentMetadata] {
        guard case .object(let files) = try JSON(parsing: bytes) else {
            throw MetadataError(description: "The metadata is no JSON object of components.")
        }
        return files.map { path, component in
            ComponentMetadata(name: baseName(of: path), props: props(of: component["props"]))
        }
    }

    /// The file's name without folders and all that follows its first dot.
    private static func baseName(of path: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        return String(file.prefix { $0 != "." })
    }

    private static func props(of props: JSON) -> [PropMetadata] {
        guard case .object(let members) = props else { return [] }
        return members.map { name, description in
            let type = description["type"].isNull ? description["flowType"] : description["type"]
            return PropMetadata(name: name, type: type)
        }
    }
}
