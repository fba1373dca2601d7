import Dash
import DashJSON
import Foundation

/// A component suite as described by its Python package.
struct SuitePackage: Sendable, Hashable {
    var wheel: SuiteWheel
    /// The manifest for the server. Its name is that of the Python module.
    private(set) var manifest: SuiteManifest
    var components: [ComponentMetadata]

    /// Reads the output of the Python script, and the suite's metadata.
    ///
    /// - Parameters:
    ///   - description: `name`, `version`, `package`, `namespace`, `js` and `css` (as in `_js_dist` and `_css_dist`).
    ///   - metadata: The suite's `metadata.json`.
    ///   - wheel: The wheel the package came from.
    /// - Throws: `SuiteError` with code `.notASuite` if there is no script or no component.
    init(description: JSON, metadata: [UInt8], wheel: SuiteWheel) throws {
        let name = description["name"].stringValue ?? ""
        self.wheel = wheel
        components = try ComponentMetadata.read(metadata)
        manifest = SuiteManifest(
            name: name,
            package: description["package"].stringValue ?? name,
            version: description["version"].stringValue ?? wheel.version,
            namespace: description["namespace"].stringValue ?? name,
            wheel: wheel
        )
        manifest.childrenProps.entries = components.map { .init(component: $0.name, paths: ChildrenPaths.of($0)) }
        for resource in description["js"].arrayValue ?? [] { addScript(resource) }
        for resource in description["css"].arrayValue ?? [] { addStyle(resource) }
        guard !manifest.scripts.isEmpty, !components.isEmpty else {
            throw SuiteError(.notASuite, "The package \(wheel.name) is not a suite of Dash components.")
        }
    }

    private mutating func addScript(_ resource: JSON) {
        let paths = Self.paths(of: resource["relative_package_path"])
        // An "async" script is loaded by another script, without a tag, unless it is "eager".
        if resource["dynamic"].boolValue == true || !resource["async"].isNull {
            manifest.dynamicFiles += paths
        } else if let development = resource["dev_package_path"].stringValue {
            manifest.scripts.append(SuiteManifest.Script(paths.first, development: development))
        } else {
            manifest.scripts += paths.map { SuiteManifest.Script($0) }
        }
    }

    private mutating func addStyle(_ resource: JSON) {
        let paths = Self.paths(of: resource["relative_package_path"])
        if resource["dynamic"].boolValue == true { manifest.dynamicFiles += paths } else { manifest.styles += paths }
    }

    /// A path or a list of paths; empty for an external resource.
    private static func paths(of value: JSON) -> [String] {
        value.stringValue.map { [$0] } ?? (value.arrayValue ?? []).compactMap(\.stringValue)
    }
}

/// Downloads a Python package with its dependencies into a temporary folder, and reads its description.
struct SuiteDownload {
    /// The package's name in the package index, or `NAME==VERSION`.
    var requirement: String
    var python: String
    var folder: String

    /// Runs the download in a new temporary folder, which is removed afterwards.
    static func run(_ requirement: String, python: String, progress: (String) -> Void) throws -> SuitePackage {
        let folder = NSTemporaryDirectory() + "dash-swift-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let interpreter = PythonRun(python: python).bypassingShims().python
        let download = SuiteDownload(requirement: requirement, python: interpreter, folder: folder)
        progress("Downloading \(requirement) and its dependencies …")
        let wheel = try download.install()
        progress("Reading \(wheel.name) \(wheel.version) …")
        return try download.describe(wheel)
    }

    /// Installs the package.
    ///
    /// - Returns: Its wheel.
    private func install() throws -> SuiteWheel {
        let report = folder + "/report.json"
        // Dash itself is pinned, so that the suite is imported with the front end used at run time.
        let pinned = SuiteLock.pinned.wheels.filter { $0.name == "dash" }.map { "\($0.name)==\($0.version)" }
        try PythonRun(python: python).run(
            ["-m", "pip", "install", "--no-compile", "--only-binary", ":all:", "--report", report]
                + ["--target", folder + "/site", requirement] + pinned
        )
        let items = try read(report)["install"].arrayValue ?? []
        let name = Self.normalized(String(requirement.prefix { !"=<>~![;@ ".contains($0) }))
        for item in items {
            let metadata = item["metadata"]
            guard let found = metadata["name"].stringValue, Self.normalized(found) == name else { continue }
            return SuiteWheel(
                name: found,
                version: metadata["version"].stringValue ?? "",
                sha256: item["download_info"]["archive_info"]["hashes"]["sha256"].stringValue ?? ""
            )
        }
        throw SuiteError(.failed, "pip installed \(requirement), but its report does not contain it.")
    }

    /// Imports the package in Python.
    func describe(_ wheel: SuiteWheel) throws -> SuitePackage {
        let answer = folder + "/suite.json"
        try PythonRun(python: python).run(
            ["-c", Self.script, folder + "/site", wheel.name, answer],
            otherwise: "The package \(wheel.name) cannot be read as a suite of Dash components."
        )
        let description = try read(answer)
        let metadata = description["metadata"].stringValue ?? ""
        guard let bytes = FileManager.default.contents(atPath: metadata) else {
            throw SuiteError(.notASuite, "The package \(wheel.name) is not a component suite: it has no metadata.json.")
        }
        return try SuitePackage(description: description, metadata: Array(bytes), wheel: wheel)
    }

    private func read(_ path: String) throws -> JSON {
        try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
    }

    /// A package index ignores differences in case, dashes, dots and underscores.
    private static func normalized(_ name: String) -> String {
        name.lowercased().split { "-_.".contains($0) }.joined(separator: "-")
    }

    /// Imports the module of a distribution that has `_js_dist` and writes the suite's description.
    ///
    /// Arguments: the folder with the packages, the distribution's name, the file to write.
    static let script = #"""
        import importlib, json, os, sys
        site, name, answer = sys.argv[1:4]
        sys.path.insert(0, site)
        import importlib.metadata
        tops = {str(file).split("/")[0] for file in importlib.metadata.files(name) or []}
        modules = [m for m in sorted(tops) if m.isidentifier() and os.path.isfile(f"{site}/{m}/__init__.py")]
        for module in modules:
            suite = importlib.import_module(module)
            scripts = getattr(suite, "_js_dist", None)
            if scripts:
                break
        else:
            sys.exit(f"none of {modules} has _js_dist")
        folder = os.path.dirname(suite.__file__)
        components = [getattr(suite, c) for c in getattr(suite, "__all__", []) if hasattr(suite, c)]
        namespaces = [c._namespace for c in components if isinstance(getattr(c, "_namespace", None), str)]
        out = {
            "name": module,
            "version": str(getattr(suite, "__version__", "")),
            "package": next((s["namespace"] for s in scripts if "namespace" in s), module),
            "namespace": namespaces[0] if namespaces else module,
            "js": scripts,
            "css": getattr(suite, "_css_dist", None) or [],
            "metadata": os.path.join(folder, "metadata.json"),
        }
        with open(answer, "w") as file:
            json.dump(out, file)
        """#
}
