/// The developer's tools, one by one: see ``SiteConfiguration/devTools``.
///
/// ```swift
/// var configuration = SiteConfiguration()
/// configuration.debug = true
/// configuration.devTools.hotReloadInterval = .seconds(1)
/// configuration.devTools.propsCheck = false
/// try await app.run(configuration)
/// ```
///
/// What is `nil` is on in debug and off otherwise. Each has a variable of the environment, which wins: the name that Dash
/// knows. What an error says is no matter of these: pages are told only in debug.
public struct DevTools: Sendable, Hashable {
    /// Whether the page has the panel with errors and the graph of callbacks (`DASH_UI`).
    public var ui: Bool?
    /// Whether the browser checks the properties of every component, with React's development build (`DASH_PROPS_CHECK`).
    public var propsCheck: Bool?
    /// Whether the page loads the development builds of the suites, where there are any (`DASH_SERVE_DEV_BUNDLES`).
    public var serveDevBundles: Bool?
    /// Whether the browser checks the callbacks as a whole (`DASH_VALIDATE_CALLBACKS`). The server checks them at its start
    /// in any case.
    public var validateCallbacks: Bool?
    /// Whether pages follow changes of the assets, and of the program under `dash-swift dev` (`DASH_HOT_RELOAD`).
    public var hotReload: Bool?
    /// How often a page asks for changes (`DASH_HOT_RELOAD_INTERVAL`, in seconds).
    public var hotReloadInterval: Duration = .seconds(3)
    /// How often the server looks at the assets (`DASH_HOT_RELOAD_WATCH_INTERVAL`, in seconds).
    public var hotReloadWatchInterval: Duration = .milliseconds(500)
    /// After how many errors in a row of the server a page gives up to ask for changes (`DASH_HOT_RELOAD_MAX_RETRY`).
    public var hotReloadMaxRetry = 8
    /// Whether requests are left out of the log (`DASH_SILENCE_ROUTES_LOGGING`); else each has a line.
    public var silenceRoutesLogging = true
    /// Whether the backtrace of a trap is reduced to the program's own code (`DASH_PRUNE_ERRORS`).
    public var pruneErrors = true

    /// The defaults.
    public init() {}
}

extension DevTools {
    /// These with the environment's word on them. An empty variable is none.
    ///
    /// - Throws: ``DashError`` with code `option` for a variable that has no valid value.
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

    /// Whether a variable's word switches something on; Dash's words.
    static func isOn(_ word: String) -> Bool { ["1", "true", "yes"].contains(word.lowercased()) }

    private static func seconds(_ variable: String, _ environment: [String: String]) throws -> Duration? {
        guard let text = environment[variable] else { return nil }
        guard let seconds = Double(text), seconds >= 0.01, seconds <= 86_400 else {
            throw DashError(.option, "\(variable) is “\(text)”, which is no number of seconds from 0.01 to 86400.")
        }
        return .seconds(seconds)
    }

    private static func count(_ variable: String, _ environment: [String: String]) throws -> Int? {
        guard let text = environment[variable] else { return nil }
        guard let count = Int(text), count >= 0 else {
            throw DashError(.option, "\(variable) is “\(text)”, which is no number of tries.")
        }
        return count
    }
}

/// Which of the developer's tools are on.
struct ActiveDevTools: Sendable, Hashable {
    /// How a page asks for changes.
    struct HotReload: Sendable, Hashable {
        var interval: Duration
        var watchInterval: Duration
        var maxRetry: Int
    }

    var ui: Bool
    var propsCheck: Bool
    var serveDevBundles: Bool
    var validateCallbacks: Bool
    var hotReload: HotReload?
    /// What a page may see of an error.
    var errors: ErrorDetail

    init(_ configuration: SiteConfiguration) {
        let (debug, tools) = (configuration.debug, configuration.devTools)
        ui = tools.ui ?? debug
        propsCheck = tools.propsCheck ?? debug
        serveDevBundles = tools.serveDevBundles ?? debug
        validateCallbacks = tools.validateCallbacks ?? debug
        if tools.hotReload ?? debug {
            hotReload = HotReload(
                interval: tools.hotReloadInterval,
                watchInterval: tools.hotReloadWatchInterval,
                maxRetry: tools.hotReloadMaxRetry
            )
        }
        errors = debug ? (tools.pruneErrors ? .pruned : .whole) : .number
    }
}

/// What a page may see of an error.
enum ErrorDetail: Sendable, Hashable {
    /// A number that leads to it in the log.
    case number
    /// Message, place and the program's own part of a backtrace.
    case pruned
    /// Message, place and the whole backtrace.
    case whole
    /// All of it as plain text, with the sentence for visitors beside it: for tests, which read both.
    case text
}
