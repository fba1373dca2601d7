import Dash
import DashJSON

/// A component suite as its Python package describes itself.
struct SuitePackage: Sendable, Hashable {
    /// The package that is imported, for example `dash_ag_grid`.
    var importName: String
    /// The version that goes into fingerprints.
    var version: String
    /// The folder that files are served from: the namespace of the scripts, for example `dash_ag_grid`.
    var package: String
    /// The namespace of the components in layouts.
    var namespace: String
    var scripts: [SuiteManifest.Script]
    var styles: [String]
    var dynamicFiles: [String]
    /// The wheel the package came from.
    var wheel: SuiteWheel
    var components: [ComponentMetadata]

    /// Reads what the Python side printed, and the suite's metadata.
    ///
    /// - Parameters:
    ///   - description: `name`, `version`, `package`, `namespace`, `js` and `css` (as in `_js_dist` and `_css_dist`).
    ///   - metadata: The suite's `metadata.json`.
    ///   - wheel: The wheel the package came from.
    /// - Throws: `SuiteError` with code `.notASuite` if there is neither a script nor a component.
    init(description: JSON, metadata: [UInt8], wheel: SuiteWheel) throws {
        importName = description["name"].stringValue ?? ""
        version = description["version"].stringValue ?? wheel.version
        package = description["package"].stringValue ?? importName
        namespace = description["namespace"].stringValue ?? importName
        self.wheel = wheel
        components = try ComponentMetadata.read(metadata)
        scripts = []
        styles = []
        dynamicFiles = []
        for resource in description["js"].arrayValue ?? [] { addScript(resource) }
        for resource in description["css"].arrayValue ?? [] { addStyle(resource) }
        guard !scripts.isEmpty, !components.isEmpty else {
            throw SuiteError(.notASuite, "The package \(wheel.name) is no suite of Dash components.")
        }
    }

    /// The manifest that the server needs.
    var manifest: SuiteManifest {
        var childrenProps: ChildrenProps = [:]
        childrenProps.entries = components.map {
            ChildrenProps.Entry(component: $0.name, paths: ChildrenPaths.of($0))
        }
        return SuiteManifest(
            name: importName,
            package: package,
            version: version,
            namespace: namespace,
            scripts: scripts,
            styles: styles,
            dynamicFiles: dynamicFiles,
            childrenProps: childrenProps,
            wheel: wheel
        )
    }

    private mutating func addScript(_ resource: JSON) {
        let paths = Self.paths(of: resource["relative_package_path"])
        // A script that is loaded "async" is fetched by another one; it has no tag, unless it says "eager".
        if resource["dynamic"].boolValue == true || !resource["async"].isNull {
            dynamicFiles += paths
        } else if let development = resource["dev_package_path"].stringValue {
            scripts.append(SuiteManifest.Script(paths.first, development: development))
        } else {
            scripts += paths.map { SuiteManifest.Script($0) }
        }
    }

    private mutating func addStyle(_ resource: JSON) {
        let paths = Self.paths(of: resource["relative_package_path"])
        if resource["dynamic"].boolValue == true { dynamicFiles += paths } else { styles += paths }
    }

    /// A path or a list of paths; nothing for a resource that lies elsewhere.
    private static func paths(of value: JSON) -> [String] {
        value.stringValue.map { [$0] } ?? (value.arrayValue ?? []).compactMap(\.stringValue)
    }
}
