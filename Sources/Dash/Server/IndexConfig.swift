import DashJSON

/// Builds the `_dash-config` object that the renderer reads at load (dash-protocol §2.3).
struct IndexConfig: Sendable {
    /// Prefix of every request the browser makes.
    var requestsPrefix: String
    /// The developer's tools that are on.
    var tools: ActiveDevTools
    /// The title while a callback runs; nil leaves the title alone.
    var updateTitle: String?
    /// What the browser checks ids against.
    var check: IDCheck
    /// Per namespace and component the properties besides `children` that hold components.
    var childrenProps: JSON
    /// The token of this page load.
    var endID: String
    var page = PageOptions()

    /// The versions of the front end that the pinned suites carry; shown by the developer's tools only.
    static let dashVersion = "4.4.1"
    static let plotlyVersion = "7.1.0"

    /// The object, its members in Dash's order.
    var json: JSON {
        var config = JSONObject()
        config.append("url_base_pathname", .null)
        config.append("requests_pathname_prefix", .string(requestsPrefix))
        config.append("ui", .bool(tools.ui))
        config.append("props_check", .bool(tools.propsCheck))
        config.append("disable_version_check", true)
        config.append("show_undo_redo", .bool(page.showsUndoRedo))
        config.append("suppress_callback_exceptions", .bool(isUnchecked))
        config.append("update_title", updateTitle.map { .string($0) } ?? .null)
        config.append("children_props", childrenProps)
        config.append("serve_locally", true)
        config.append("dash_version", .string(Self.dashVersion))
        config.append("python_version", "none: dash-swift")
        config.append("dash_version_url", "")
        config.append("ddk_version", .null)
        config.append("plotly_version", .string(Self.plotlyVersion))
        config.append("validate_callbacks", .bool(tools.validateCallbacks))
        config.append("csrf_token_name", .string(page.csrfCookie))
        config.append("csrf_header_name", .string(page.csrfHeader))
        config.append("end_id", .string(endID))
        // Else the panel has a button that offers to publish the app by a Python package.
        config.append("plotly_cloud_installed", .bool(tools.ui))
        if let hotReload = tools.hotReload { config.append("hot_reload", hotReload.json) }
        if case .validation(let layout) = check { config.append("validation_layout", layout) }
        if tools.ui { config.append("dev_tools", []) }
        return .object(config)
    }

    private var isUnchecked: Bool {
        if case .none = check { true } else { false }
    }
}

extension ActiveDevTools.HotReload {
    fileprivate var json: JSON {
        ["interval": .int(Int((interval / .milliseconds(1)).rounded())), "max_retry": .int(maxRetry)]
    }
}
