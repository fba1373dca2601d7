import DashJSON

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
