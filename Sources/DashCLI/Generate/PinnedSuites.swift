import Dash

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
            .init(
                "dash-renderer/build/dash_renderer.min.js",
                development: "dash-renderer/build/dash_renderer.dev.js"
            )
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
