import Dash
import DashJSON
import Foundation

/// Generates the committed Swift files of the pinned suites from an installed folder.
struct PinnedGenerator {
    /// The command named in the files' headings.
    static let command = "dash-swift generate"

    /// The folder with the installed suites.
    var suites: String
    var lock: SuiteLock

    /// All files, relative to the repository's root.
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

    /// The manifest of a pinned suite, with version and components from the installed files.
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

/// A suite of the lock: the files that a page loads, and where its typed Swift goes. Manually maintained; the rest is
/// generated.
struct PinnedSuite: Sendable {
    /// The suite's display name.
    var name: String
    /// The folder in the wheel, and the part of the URL.
    var package: String
    /// The folder in `package` with metadata and files, with a slash at its end; empty for the package itself.
    var folder: String
    /// The source of its version: its own `package-info.json`, or a wheel of the lock.
    var versionOf: VersionSource
    var place: SuiteManifest.Place
    var scripts: [SuiteManifest.Script]
    /// The names of chunks that scripts load, each served as `async-NAME.js` with its map.
    var chunks: [String] = []
    /// Other files that scripts load.
    var dynamicFiles: [String] = []
    /// Its components in Swift; nil for a suite without components.
    var components: Components?

    enum VersionSource: Sendable {
        case packageInfo
        case wheel(String)
    }

    /// The components of a suite in Swift.
    struct Components: Sendable {
        var enumName: String
        var namespace: String
        var title: String
        var module: Module
        var fileName: String
        var refProtocol: String?
    }

    /// The modules that contain generated files.
    enum Module: String, Sendable {
        case dash = "Dash"
        case dashAGGrid = "DashAGGrid"
    }
}

extension PinnedSuite {
    /// The files that scripts load, chunks with their maps first.
    var allDynamicFiles: [String] {
        chunks.flatMap { ["\(folder)async-\($0).js", "\(folder)async-\($0).js.map"] } + dynamicFiles
    }
}

extension PinnedSuite {
    /// The suites of the lock, in the order in which a page loads their scripts.
    static let all = [dependencies, renderer, coreComponents, html, dataTable, plotly, agGrid]

    private static let dependencies = PinnedSuite(
        name: "dash_dependencies",
        package: "dash",
        folder: "deps/",
        versionOf: .wheel("dash"),
        place: .dependencies,
        scripts: [
            .init("deps/polyfill@7.12.1.min.js"),
            .init("deps/react@18.3.1.min.js", development: "deps/react@18.3.1.js"),
            .init("deps/react-dom@18.3.1.min.js", development: "deps/react-dom@18.3.1.js"),
            .init("deps/prop-types@15.8.1.min.js", development: "deps/prop-types@15.8.1.js"),
        ]
    )

    private static let renderer = PinnedSuite(
        name: "dash_renderer",
        package: "dash",
        folder: "dash-renderer/build/",
        versionOf: .wheel("dash"),
        place: .core,
        scripts: [
            .init("dash-renderer/build/dash_renderer.min.js", development: "dash-renderer/build/dash_renderer.dev.js")
        ],
        dynamicFiles: ["dash-renderer/build/dash-ws-worker.js"]
    )

    private static let coreComponents = PinnedSuite(
        name: "dash_core_components",
        package: "dash",
        folder: "dcc/",
        versionOf: .packageInfo,
        place: .core,
        scripts: [
            .init("dcc/dash_core_components.js"),
            .init("dcc/dash_core_components-shared.js"),
            .init(nil, development: "dcc/proptypes.js"),
        ],
        chunks: ["datepicker", "dropdown", "graph", "highlight", "markdown", "mathjax", "slider", "upload"],
        dynamicFiles: ["dcc/dash_core_components.js.map", "dcc/dash_core_components-shared.js.map"],
        components: Components(
            enumName: "dcc",
            namespace: "dash_core_components",
            title: "Dash's core components: graphs, inputs, stores.",
            module: .dash,
            fileName: "CoreComponents"
        )
    )

    private static let html = PinnedSuite(
        name: "dash_html_components",
        package: "dash",
        folder: "html/",
        versionOf: .packageInfo,
        place: .core,
        scripts: [.init("html/dash_html_components.min.js")],
        dynamicFiles: ["html/dash_html_components.min.js.map"],
        components: Components(
            enumName: "html",
            namespace: "dash_html_components",
            title: "The elements of HTML as components.",
            module: .dash,
            fileName: "HTMLComponents",
            refProtocol: "HTMLRef"
        )
    )

    private static let dataTable = PinnedSuite(
        name: "dash_table",
        package: "dash",
        folder: "dash_table/",
        versionOf: .packageInfo,
        place: .core,
        scripts: [.init("dash_table/bundle.js")],
        chunks: ["export", "table", "highlight"],
        dynamicFiles: ["dash_table/bundle.js.map"],
        components: Components(
            enumName: "dashTable",
            namespace: "dash_table",
            title: "Dash's data table.",
            module: .dash,
            fileName: "TableComponents"
        )
    )

    private static let plotly = PinnedSuite(
        name: "plotly",
        package: "plotly",
        folder: "package_data/",
        versionOf: .wheel("plotly"),
        place: .core,
        scripts: [],
        dynamicFiles: ["package_data/plotly.min.js"]
    )

    private static let agGrid = PinnedSuite(
        name: "dash_ag_grid",
        package: "dash_ag_grid",
        folder: "",
        versionOf: .packageInfo,
        place: .suite,
        scripts: [.init("dash_ag_grid.min.js")],
        chunks: ["community", "enterprise"],
        dynamicFiles: ["dash_ag_grid.min.js.map"],
        components: Components(
            enumName: "dag",
            namespace: "dash_ag_grid",
            title: "AG Grid as a component.",
            module: .dashAGGrid,
            fileName: "AGGridComponents"
        )
    )
}
