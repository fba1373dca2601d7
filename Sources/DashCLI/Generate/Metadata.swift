import DashJSON

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
