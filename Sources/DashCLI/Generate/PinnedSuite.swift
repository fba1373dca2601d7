import Dash

/// A suite of the lock: which files a page loads, and where its typed Swift goes. Kept by hand; the rest is generated.
struct PinnedSuite: Sendable {
    /// The suite's name for people.
    var name: String
    /// The folder of the wheel, and the part of the URL.
    var package: String
    /// The folder inside `package` with metadata and files, with a slash at its end; empty for the package itself.
    var folder: String
    /// What its version is: that of its own `package-info.json`, or of a wheel of the lock.
    var versionOf: VersionSource
    var place: SuiteManifest.Place
    var scripts: [SuiteManifest.Script]
    /// The names of chunks that scripts load, each served as `async-NAME.js` with its map.
    var chunks: [String] = []
    /// Other files that scripts load.
    var dynamicFiles: [String] = []
    /// How its components are shown; nil for a suite without components.
    var components: Components?

    enum VersionSource: Sendable {
        case packageInfo
        case wheel(String)
    }

    /// How the components of a suite are shown in Swift.
    struct Components: Sendable {
        var enumName: String
        var namespace: String
        var title: String
        var module: Module
        var fileName: String
        var refProtocol: String?
    }

    /// The modules that typed Swift is committed in.
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
