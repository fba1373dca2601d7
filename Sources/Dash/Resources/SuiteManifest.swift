/// What the server must know of a suite: its namespace and its files, in the order in which a page loads them.
///
/// Manifests of the pinned suites are compiled in; `dash-swift generate PACKAGE` writes one for any other suite. Pass a
/// suite's manifest to `DashApp(suites:)` to use its components.
public struct SuiteManifest: Sendable, Hashable {
    /// A script that a page loads by a tag.
    public struct Script: Sendable, Hashable {
        /// The file, relative to the package folder; nil for a script that only development pages load.
        public var path: String?
        /// The file that a development page loads instead; nil if it is the same one.
        public var development: String?

        /// A script.
        ///
        /// - Parameters:
        ///   - path: The file, relative to the package folder; nil if only development pages load the script.
        ///   - development: The file for development pages; nil if it is the same one.
        public init(_ path: String?, development: String? = nil) {
            self.path = path
            self.development = development
        }
    }

    /// Where in the page the suite's scripts stand.
    public enum Place: Sendable, Hashable {
        /// Before everything else: React and what it needs.
        case dependencies
        /// After the dependencies and external scripts: all suites but Dash's own.
        case suite
        /// After the app's assets: the renderer and Dash's own suites.
        case core
    }

    /// The suite's name for people, for example `dash_core_components`.
    public var name: String
    /// The folder of the wheel with the files, and the part of the URL after `_dash-component-suites`.
    public var package: String
    /// The version written into the fingerprints of file names.
    public var version: String
    /// The namespace of the suite's components in layouts; nil if it has none.
    public var namespace: String?
    /// Where in the page the scripts stand.
    public var place: Place
    /// The scripts a page loads, in order.
    public var scripts: [Script]
    /// The style sheets a page loads, in order, relative to the package folder.
    public var styles: [String]
    /// Files that scripts load when they need them, relative to the package folder.
    public var dynamicFiles: [String]
    /// For each component the properties other than `children` that hold components.
    public var childrenProps: ChildrenProps
    /// The wheel the files come from; nil for the suites in dash-swift's own lock.
    public var wheel: SuiteWheel?

    /// A manifest; see the properties.
    public init(
        name: String,
        package: String,
        version: String,
        namespace: String? = nil,
        place: Place = .suite,
        scripts: [Script] = [],
        styles: [String] = [],
        dynamicFiles: [String] = [],
        childrenProps: ChildrenProps = [:],
        wheel: SuiteWheel? = nil
    ) {
        self.name = name
        self.package = package
        self.version = version
        self.namespace = namespace
        self.place = place
        self.scripts = scripts
        self.styles = styles
        self.dynamicFiles = dynamicFiles
        self.childrenProps = childrenProps
        self.wheel = wheel
    }

    /// Every file that may be served.
    var files: [String] {
        scripts.flatMap { [$0.path, $0.development].compactMap(\.self) } + styles + dynamicFiles
    }
}

/// For each component of a suite, in order, the properties other than `children` that hold components.
///
/// A property is written as the path the renderer walks: `label`, `items[].label`, `map{}`.
public struct ChildrenProps: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One component and its properties.
    public struct Entry: Sendable, Hashable {
        /// The component's type.
        public var component: String
        /// The paths of its properties that hold components.
        public var paths: [String]

        /// One component and its properties.
        public init(component: String, paths: [String]) {
            self.component = component
            self.paths = paths
        }
    }

    /// The components in order.
    public var entries: [Entry]

    /// The properties by component, in the order written.
    public init(dictionaryLiteral elements: (String, [String])...) {
        entries = elements.map { Entry(component: $0.0, paths: $0.1) }
    }

    /// Components of which none has such a property but those of `exceptions`.
    ///
    /// - Parameters:
    ///   - components: The types of all components, in order, separated by spaces.
    ///   - exceptions: The properties of those components that have some.
    public init(of components: String, except exceptions: [String: [String]] = [:]) {
        entries = components.split(separator: " ").map { name in
            Entry(component: String(name), paths: exceptions[String(name)] ?? [])
        }
    }
}
