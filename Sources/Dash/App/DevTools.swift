/// The individual developer tools; see ``SiteConfiguration/devTools``.
///
/// ```swift
/// var configuration = SiteConfiguration()
/// configuration.debug = true
/// configuration.devTools.hotReloadInterval = .seconds(1)
/// configuration.devTools.propsCheck = false
/// try await app.run(configuration)
/// ```
///
/// Tools that are `nil` are on in debug and off otherwise. The environment variable of a tool, which has the same name
/// as in Dash, takes precedence. Error details do not depend on these: pages receive them only in debug.
public struct DevTools: Sendable, Hashable {
    /// Whether the page has the panel with errors and the callback graph (`DASH_UI`).
    public var ui: Bool?
    /// Whether the browser checks the properties of every component, with React's development build
    /// (`DASH_PROPS_CHECK`).
    public var propsCheck: Bool?
    /// Whether the page loads the suites' development builds, if there are any (`DASH_SERVE_DEV_BUNDLES`).
    public var serveDevBundles: Bool?
    /// Whether the browser checks all callbacks (`DASH_VALIDATE_CALLBACKS`). The server always checks them at start.
    public var validateCallbacks: Bool?
    /// Whether pages reload when the assets change, or the program under `dash-swift dev` (`DASH_HOT_RELOAD`).
    public var hotReload: Bool?
    /// How often a page polls for changes (`DASH_HOT_RELOAD_INTERVAL`, in seconds).
    public var hotReloadInterval: Duration = .seconds(3)
    /// How often the server checks the assets for changes (`DASH_HOT_RELOAD_WATCH_INTERVAL`, in seconds).
    public var hotReloadWatchInterval: Duration = .milliseconds(500)
    /// The number of consecutive server errors after which a page stops polling (`DASH_HOT_RELOAD_MAX_RETRY`).
    public var hotReloadMaxRetry = 8
    /// Whether to omit requests from the log (`DASH_SILENCE_ROUTES_LOGGING`).
    public var silenceRoutesLogging = true
    /// Whether to reduce the backtrace of a trap to the program's own code (`DASH_PRUNE_ERRORS`).
    public var pruneErrors = true

    /// Creates the defaults.
    public init() {}
}

extension DevTools {
    /// Applies the environment. Empty variables are ignored.
    ///
    /// - Throws: ``DashError`` with code `option` for a variable with an invalid value.
    func applying(_ environment: [String: String]) throws -> DevTools {
        let words = { environment[$0].map(Self.isOn) }
        var tools = self
        tools.ui = words("DASH_UI") ?? ui
        tools.propsCheck = words("DASH_PROPS_CHECK") ?? propsCheck
        tools.serveDevBundles = words("DASH_SERVE_DEV_BUNDLES") ?? serveDevBundles
        tools.validateCallbacks = words("DASH_VALIDATE_CALLBACKS") ?? validateCallbacks
        tools.hotReload = words("DASH_HOT_RELOAD") ?? hotReload
        tools.silenceRoutesLogging = words("DASH_SILENCE_ROUTES_LOGGING") ?? silenceRoutesLogging
        tools.pruneErrors = words("DASH_PRUNE_ERRORS") ?? pruneErrors
        tools.hotReloadInterval = try Self.seconds("DASH_HOT_RELOAD_INTERVAL", environment) ?? hotReloadInterval
        tools.hotReloadWatchInterval =
            try Self.seconds("DASH_HOT_RELOAD_WATCH_INTERVAL", environment) ?? hotReloadWatchInterval
        tools.hotReloadMaxRetry = try Self.count("DASH_HOT_RELOAD_MAX_RETRY", environment) ?? hotReloadMaxRetry
        return tools
    }

    /// Whether the value of a variable is true, as in Dash.
    static func isOn(_ word: String) -> Bool { ["1", "true", "yes"].contains(word.lowercased()) }

    private static func seconds(_ variable: String, _ environment: [String: String]) throws -> Duration? {
        guard let text = environment[variable] else { return nil }
        guard let seconds = Double(text), seconds >= 0.01, seconds <= 86_400 else {
            throw DashError(
                .option,
                "Invalid value “\(text)” of \(variable). Use a number of seconds from 0.01 to 86400."
            )
        }
        return .seconds(seconds)
    }

    private static func count(_ variable: String, _ environment: [String: String]) throws -> Int? {
        guard let text = environment[variable] else { return nil }
        guard let count = Int(text), count >= 0 else {
            throw DashError(.option, "Invalid value “\(text)” of \(variable). Use a whole number of at least 0.")
        }
        return count
    }
}

/// The developer tools in effect.
struct ActiveDevTools: Sendable {
    private let debug: Bool
    private let tools: DevTools
    /// The detail of errors shown to pages.
    var errors: ErrorDetail

    init(_ configuration: SiteConfiguration) {
        (debug, tools) = (configuration.debug, configuration.devTools)
        errors = debug ? (tools.pruneErrors ? .pruned : .whole) : .number
    }

    var ui: Bool { tools.ui ?? debug }
    var propsCheck: Bool { tools.propsCheck ?? debug }
    var serveDevBundles: Bool { tools.serveDevBundles ?? debug }
    var validateCallbacks: Bool { tools.validateCallbacks ?? debug }
    /// How a page polls for changes; nil if it does not.
    var hotReload: DevTools? { tools.hotReload ?? debug ? tools : nil }
}

/// The detail of errors shown to pages.
enum ErrorDetail: Sendable, Hashable {
    /// A number that identifies the error in the log.
    case number
    /// Message, location and the program's own part of a backtrace.
    case pruned
    /// Message, location and the whole backtrace.
    case whole
    /// All of it as plain text, with the message for visitors beside it: for tests, which read both.
    case text
}
