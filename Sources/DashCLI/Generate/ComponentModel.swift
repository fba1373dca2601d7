import DashJSON
import Support

/// A suite as represented in Swift.
struct SuiteModel: Sendable, Hashable {
    /// The caseless enum that contains the components, such as `html`.
    var enumName: String
    /// The namespace in layouts, such as `dash_html_components`.
    var namespace: String
    /// The suite's title, for the documentation.
    var title: String
    var components: [ComponentModel]
    /// Properties of every component, declared once in the protocol of all references.
    var shared: [PropModel]
    /// The protocol of all references; nil if there are no shared properties.
    var refProtocol: String?

    /// Decides the types of all properties in a suite's metadata.
    ///
    /// - Parameters:
    ///   - refProtocol: The protocol with the properties that all components have in common; nil for none.
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

/// A component as represented in Swift.
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

    /// Properties that most components have follow the component's own.
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

/// A property as represented in Swift.
struct PropModel: Sendable, Hashable {
    /// The name in JSON.
    var name: String
    var type: PropType

    /// The name in Swift, without back-ticks.
    var swiftName: String { Naming.camelCase(name) }
}

/// Finds the properties that contain components, by the rule of Dash's own build.
enum ChildrenPaths {
    /// The paths of a component's properties other than `children` that may contain components.
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
            (type["value"].arrayValue ?? []).flatMap { paths(at: path, type: $0) }.unique
        default:
            []
        }
    }

    private static func members(of type: JSON) -> [PropMetadata] {
        (type["value"].objectValue ?? [:]).map { PropMetadata(name: $0.key, type: $0.value) }
    }

}

/// A component as described by a suite's `metadata.json`.
struct ComponentMetadata: Sendable, Hashable {
    /// The component's type, such as `Dropdown`.
    var name: String
    /// Its properties, in file order.
    var props: [PropMetadata]
}

struct PropMetadata: Sendable, Hashable {
    var name: String
    /// The type in the file's notation; `null` if it is missing.
    var type: JSON

    /// The type's name: `string`, `union`, `shape`, …; empty if unknown.
    var kind: String { type["name"].stringValue ?? "" }
}

/// An invalid `metadata.json`.
struct MetadataError: Error, CustomStringConvertible {
    var description: String
}

extension ComponentMetadata {
    /// Reads a `metadata.json` of react-docgen or Dash's TypeScript extractor.
    static func read(_ bytes: [UInt8]) throws -> [ComponentMetadata] {
        guard case .object(let files) = try JSON(parsing: bytes) else {
            throw MetadataError(description: "The metadata is not a JSON object of components.")
        }
        return files.map { path, component in
            ComponentMetadata(name: baseName(of: path), props: props(of: component["props"]))
        }
    }

    /// The file's name without folders, up to its first dot.
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
