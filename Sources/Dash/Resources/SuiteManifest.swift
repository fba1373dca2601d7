/// A suite's namespace and its files, in the order in which a page loads them.
///
/// Manifests of the pinned suites are built in; `dash-swift generate PACKAGE` writes one for another suite. Pass a
/// suite's manifest to `DashApp(suites:)` to use its components.
public struct SuiteManifest: Sendable, Hashable {
    /// A script that a page loads with a tag.
    public struct Script: Sendable, Hashable {
        /// The file, relative to the package folder; nil if only development pages load the script.
        public var path: String?
        /// The file that development pages load instead; nil if it is the same.
        public var development: String?

        /// A script; see the properties.
        public init(_ path: String?, development: String? = nil) {
            self.path = path
            self.development = development
        }
    }

    /// The position of the suite's scripts in the page.
    public enum Place: Sendable, Hashable {
        /// First: React and its dependencies.
        case dependencies
        /// After the dependencies and external scripts: all suites except Dash's own.
        case suite
        /// After the app's assets: the renderer and Dash's own suites.
        case core
    }

    /// The suite's display name, such as `dash_core_components`.
    public var name: String
    /// The folder of the files in the wheel, and the part of the URL after `_dash-component-suites`.
    public var package: String
    /// The version in the fingerprints of file names.
    public var version: String
    /// The namespace of the suite's components in layouts; nil if there is none.
    public var namespace: String?
    /// The position of the scripts in the page.
    public var place: Place
    /// The scripts a page loads, in order.
    public var scripts: [Script]
    /// The style sheets a page loads, in order, relative to the package folder.
    public var styles: [String]
    /// Files that scripts load on demand, relative to the package folder.
    public var dynamicFiles: [String]
    /// For each component, the properties other than `children` that contain components.
    public var childrenProps: ChildrenProps
    /// The wheel that contains the files; nil for the suites in the package's own lock.
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

/// For each component of a suite, in order, the properties other than `children` that contain components.
///
/// A property is a path in the renderer's notation: `label`, `items[].label`, `map{}`.
public struct ChildrenProps: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One component and its properties.
    public struct Entry: Sendable, Hashable {
        /// The component's type.
        public var component: String
        /// The paths of its properties that contain components.
        public var paths: [String]

        /// One component and its properties.
        public init(component: String, paths: [String]) {
            self.component = component
            self.paths = paths
        }
    }

    /// The components, in order.
    public var entries: [Entry]

    /// The properties by component, in the order written.
    public init(dictionaryLiteral elements: (String, [String])...) {
        entries = elements.map { Entry(component: $0.0, paths: $0.1) }
    }

    /// Components without such properties, except those of `exceptions`.
    ///
    /// - Parameters:
    ///   - components: The types of all components, in order, separated by spaces.
    ///   - exceptions: The paths of the components that have such properties.
    public init(of components: String, except exceptions: [String: [String]] = [:]) {
        entries = components.split(separator: " ").map { name in
            Entry(component: String(name), paths: exceptions[String(name)] ?? [])
        }
    }
}
