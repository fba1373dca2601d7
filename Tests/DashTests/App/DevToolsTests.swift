import ArgumentParser
import Testing

@testable import Dash

@Suite("The individual developer tools")
struct DevToolsTests {
    private func tools(
        debug: Bool = false,
        _ environment: [String: String] = [:],
        _ set: (inout DevTools) -> Void = { _ in }
    ) throws -> ActiveDevTools {
        var configuration = SiteConfiguration()
        configuration.debug = debug
        set(&configuration.devTools)
        return ActiveDevTools(try ServeCommand.parse([]).apply(to: configuration, environment: environment))
    }

    @Test("All are off in production, and pages receive error numbers")
    func production() throws {
        let tools = try tools()
        #expect(!tools.ui && !tools.propsCheck && !tools.serveDevBundles && !tools.validateCallbacks)
        #expect(tools.hotReload == nil)
        #expect(tools.errors == .number)
    }

    @Test("All are on in debug, with Dash's intervals")
    func debug() throws {
        let tools = try tools(debug: true)
        #expect(tools.ui && tools.propsCheck && tools.serveDevBundles && tools.validateCallbacks)
        #expect(tools.hotReload == DevTools())
        #expect(tools.hotReload?.hotReloadInterval == .seconds(3))
        #expect(tools.hotReload?.hotReloadWatchInterval == .milliseconds(500))
        #expect(tools.hotReload?.hotReloadMaxRetry == 8)
        #expect(tools.errors == .pruned)
    }

    @Test("Each can be set independently of debug")
    func single() throws {
        let quiet = try tools(debug: true) {
            $0.ui = false
            $0.propsCheck = false
            $0.serveDevBundles = false
            $0.validateCallbacks = false
            $0.hotReload = false
            $0.pruneErrors = false
        }
        #expect(!quiet.ui && !quiet.propsCheck && !quiet.serveDevBundles && !quiet.validateCallbacks)
        #expect(quiet.hotReload == nil)
        #expect(quiet.errors == .whole)
        let panel = try tools { $0.ui = true }
        #expect(panel.ui && !panel.propsCheck)
        #expect(panel.errors == .number, "error details depend only on debug")
    }

    @Test("Dash's environment variables take precedence")
    func environment() throws {
        let off = [
            "DASH_UI": "false", "DASH_PROPS_CHECK": "0", "DASH_SERVE_DEV_BUNDLES": "no",
            "DASH_VALIDATE_CALLBACKS": "False", "DASH_HOT_RELOAD": "off",
        ]
        let quiet = try tools(debug: true, off)
        #expect(!quiet.ui && !quiet.propsCheck && !quiet.serveDevBundles && !quiet.validateCallbacks)
        #expect(quiet.hotReload == nil)
        let times = [
            "DASH_DEBUG": "true", "DASH_HOT_RELOAD_INTERVAL": "0.25", "DASH_HOT_RELOAD_WATCH_INTERVAL": "2",
            "DASH_HOT_RELOAD_MAX_RETRY": "3", "DASH_PRUNE_ERRORS": "false",
        ]
        let timed = try tools(times) { $0.hotReloadInterval = .seconds(9) }
        #expect(timed.hotReload?.hotReloadInterval == .milliseconds(250))
        #expect(timed.hotReload?.hotReloadWatchInterval == .seconds(2))
        #expect(timed.hotReload?.hotReloadMaxRetry == 3)
        #expect(timed.errors == .whole)
        #expect(try tools(debug: true, ["DASH_UI": ""]).ui, "an empty variable is ignored")
    }

    @Test(
        "An invalid value of a variable is an error",
        arguments: [
            ("DASH_HOT_RELOAD_INTERVAL", "soon"), ("DASH_HOT_RELOAD_INTERVAL", "0"),
            ("DASH_HOT_RELOAD_WATCH_INTERVAL", "-1"), ("DASH_HOT_RELOAD_WATCH_INTERVAL", "nan"),
            ("DASH_HOT_RELOAD_MAX_RETRY", "1.5"), ("DASH_HOT_RELOAD_MAX_RETRY", "-1"),
        ]
    )
    func refusals(name: String, value: String) {
        let error = #expect(throws: DashError.self) { try tools([name: value]) }
        #expect(error?.code == .option)
        #expect(error?.message.contains("Invalid value “\(value)” of \(name).") == true)
    }
}
