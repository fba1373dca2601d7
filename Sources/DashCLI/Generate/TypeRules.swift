import DashJSON

/// Which Swift type a property gets.
enum TypeRules {
    /// The type of a property; nil if it is no property for Swift code: functions, wildcards, React's own.
    static func type(of prop: PropMetadata, in component: String, namespace: String) -> PropType? {
        guard Naming.isIdentifier(prop.name), !prop.name.hasPrefix("_"), !internalNames.contains(prop.name) else {
            return nil
        }
        if let better = BetterTypes.type(of: prop.name, in: component, namespace: namespace) { return better }
        if prop.name == "children" { return .components }
        if wholeNumbers.contains(prop.name) { return .integer }
        if isStyle(prop) { return .style }
        return general(prop.type)
    }

    private static let internalNames: Set<String> = [
        "setProps", "id", "componentPath", "dashRenderType", "loading_state",
    ]

    private static let wholeNumbers: Set<String> = [
        "n_clicks", "n_clicks_timestamp", "n_intervals", "n_submit", "n_blur", "n_submit_timestamp", "n_blur_timestamp",
        "max_intervals", "submit_n_clicks", "submit_n_clicks_timestamp", "cancel_n_clicks",
        "cancel_n_clicks_timestamp", "modified_timestamp", "page_current", "page_size", "page_count",
    ]

    private static func isStyle(_ prop: PropMetadata) -> Bool {
        guard ["object", "any", ""].contains(prop.kind) else { return false }
        let name = prop.name
        return name == "style" || name.hasSuffix("_style") || name.hasSuffix("Style") || name.hasPrefix("style_")
    }

    private static func general(_ type: JSON) -> PropType? {
        switch type["name"].stringValue {
        case "string": .text
        case "number": .number
        case "bool": .flag
        case "node", "element": .components
        case "func": nil
        case "literal": literal(type)
        case "enum": enumeration(type)
        case "array": .list
        case "arrayOf": list(of: type["value"])
        case "object", "shape", "exact", "objectOf": .object
        case "union": union(type["value"].arrayValue ?? [])
        case "any" where type["raw"].stringValue?.hasPrefix("`${string}") == true: .text
        default: .any
        }
    }

    private static func literal(_ type: JSON) -> PropType {
        ["true", "false"].contains(type["value"].stringValue) ? .any : .text
    }

    /// Text if all members are quoted texts; a member without value stands for TypeScript's `undefined`.
    private static func enumeration(_ type: JSON) -> PropType {
        let values = (type["value"].arrayValue ?? []).map { $0["value"] }.filter { !$0.isNull && $0 != "null" }
        let quoted = values.allSatisfy { value in
            value.stringValue.map { $0.hasPrefix("'") || $0.hasPrefix("\"") } ?? false
        }
        return quoted && !values.isEmpty ? .text : .any
    }

    private static func list(of member: JSON) -> PropType {
        switch general(member) {
        case .text: .texts
        case .number: .numbers
        case .flag: .flags
        default: .list
        }
    }

    private static func union(_ members: [JSON]) -> PropType {
        let types = Set(members.compactMap(general))
        if types.contains(.components) { return .components }
        if types.count == 1, let only = types.first { return only }
        // `true` and `'disabled'` say the same in HTML; true and false are enough.
        let flags = members.contains { $0["name"].stringValue == "bool" }
        let onlyWords = members.allSatisfy { ["bool", "enum", "literal"].contains($0["name"].stringValue) }
        return flags && onlyWords ? .flag : .any
    }
}
