import Dash
import DashJSON
import Foundation

/// Makes the committed Swift of the pinned suites from an installed folder.
struct PinnedGenerator {
    /// The command named in the headings of the files.
    static let command = "dash-swift generate"

    /// The folder with the installed suites.
    var suites: String
    /// The wheels of the lock.
    var lock: SuiteLock

    /// All files, relative to the root of the repository.
    func files() throws -> [RenderedFile] {
        try [lockFile(), manifestFile(.dash), manifestFile(.dashAGGrid)]
            + PinnedSuite.all.flatMap { try components(of: $0) }
    }

    private func components(of suite: PinnedSuite) throws -> [RenderedFile] {
        guard let components = suite.components else { return [] }
        let model = SuiteModel(
            enumName: components.enumName,
            namespace: components.namespace,
            title: components.title,
            metadata: try metadata(of: suite),
            refProtocol: components.refProtocol
        )
        return RenderFiles.components(
            of: model,
            folder: components.module == .dash ? "Sources/Dash/Components" : "Sources/\(components.module.rawValue)",
            fileName: components.fileName,
            module: components.module.rawValue,
            command: Self.command
        )
    }

    private func lockFile() -> RenderedFile {
        let wheels = lock.wheels.map { "        \(RenderManifest.wheel($0, indent: "        ")),\n" }.joined()
        return RenderedFile(
            path: "Sources/Dash/Resources/Generated/PinnedWheels.swift",
            text: RenderFiles.heading(command: Self.command) + """
                extension SuiteLock {
                    /// What `suites.lock` pins.
                    static let pinnedWheels = [
                \(wheels)    ]
                }

                """
        )
    }

    private func manifestFile(_ module: PinnedSuite.Module) throws -> RenderedFile {
        let suites = PinnedSuite.all.filter { ($0.components?.module ?? .dash) == module }
        let heading = RenderFiles.heading(command: Self.command)
        guard module == .dash else { return try suiteManifestFile(suites[0], module: module) }
        let literals = try suites.map { suite in
            "        " + RenderManifest.literal(try manifest(of: suite), indent: "        ") + ",\n"
        }
        return RenderedFile(
            path: "Sources/Dash/Resources/Generated/CoreManifests.swift",
            text: heading + """
                extension SuiteManifest {
                    /// Dash's own suites and Plotly, in the order in which a page loads them.
                    package static let core: [SuiteManifest] = [
                \(literals.joined())    ]
                }

                """
        )
    }

    private func suiteManifestFile(_ suite: PinnedSuite, module: PinnedSuite.Module) throws -> RenderedFile {
        RenderedFile(
            path: "Sources/\(module.rawValue)/SuiteManifest+AGGrid.swift",
            text: RenderFiles.heading(command: Self.command) + """
                public import Dash

                extension SuiteManifest {
                    /// AG Grid's files: `DashApp(suites: [.agGrid])`.
                    public static let agGrid = \(RenderManifest.literal(try manifest(of: suite), indent: "    "))
                }

                """
        )
    }

    /// The manifest of a pinned suite, its version and components read from the installed files.
    func manifest(of suite: PinnedSuite) throws -> SuiteManifest {
        var childrenProps: ChildrenProps = [:]
        if suite.components != nil {
            childrenProps.entries = try metadata(of: suite).map {
                ChildrenProps.Entry(component: $0.name, paths: ChildrenPaths.of($0))
            }
        }
        return SuiteManifest(
            name: suite.name,
            package: suite.package,
            version: try version(of: suite),
            namespace: suite.components?.namespace,
            place: suite.place,
            scripts: suite.scripts,
            dynamicFiles: suite.allDynamicFiles,
            childrenProps: childrenProps
        )
    }

    private func version(of suite: PinnedSuite) throws -> String {
        switch suite.versionOf {
        case .wheel(let name):
            lock.wheels.first { $0.name == name }?.version ?? ""
        case .packageInfo:
            try JSON(parsing: read(suite, "package-info.json"))["version"].stringValue ?? ""
        }
    }

    private func metadata(of suite: PinnedSuite) throws -> [ComponentMetadata] {
        try ComponentMetadata.read(read(suite, "metadata.json"))
    }

    private func read(_ suite: PinnedSuite, _ file: String) throws -> [UInt8] {
        let path = "\(suites)/\(suite.package)/\(suite.folder)\(file)"
        return try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
