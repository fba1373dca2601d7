import Crypto
import DashJSON
import Support

/// Writes the index page, which loads the front end (docs/protocol.md, Index page).
struct IndexPage: Sendable {
    /// The content of `<title>`, unescaped.
    var title: String
    var options = PageOptions()
    /// The meta tags of a page of a multi-page app, placed first.
    var pageTags: [TagAttributes] = []
    /// Style sheets, in order.
    var stylesheets: [TagAttributes] = []
    /// Scripts, in order, including the package's own and the renderer.
    var scripts: [TagAttributes] = []
    /// URL of the icon.
    var favicon: String
    /// The `_dash-config` object.
    var config: JSON

    /// The placeholders without which the renderer cannot start.
    static let neededPlaces = ["app_entry", "config", "scripts", "renderer"]

    func html() -> String {
        let places = places
        guard let template = options.template else { return plain(places) }
        // Split at the placeholders, so that inserted text is not searched for them.
        var page = ""
        var rest = template[...]
        while let start = rest.firstRange(of: "{%"), let end = rest[start.upperBound...].firstRange(of: "%}") {
            let name = String(rest[start.upperBound..<end.lowerBound])
            page += rest[..<start.lowerBound] + (places[name] ?? String(rest[start.lowerBound..<end.upperBound]))
            rest = rest[end.upperBound...]
        }
        return page + rest
    }

    private func plain(_ places: [String: String]) -> String {
        let part = { places[$0] ?? "" }
        return """
            <!DOCTYPE html>
            <html>
                <head>
                    \(part("metas"))
                    <title>\(part("title"))</title>
                    \(part("favicon"))
                    \(part("css"))
                </head>
                <body>
                    \(part("app_entry"))
                    <footer>
                        \(part("config"))
                        \(part("scripts"))
                        \(part("renderer"))
                    </footer>
                </body>
            </html>
            """
    }

    private var places: [String: String] {
        [
            "metas": metas.joined(separator: "\n        "),
            "title": Self.escape(title),
            "favicon": #"<link rel="icon" type="image/x-icon" href="\#(Self.escape(favicon))">"#,
            "css": (options.externalStylesheets + stylesheets).map(Self.stylesheet).joined(separator: "\n        "),
            "app_entry": #"<div id="react-entry-point"><div class="_dash-loading">Loading...</div></div>"#,
            "config": #"<script id="_dash-config" type="application/json">\#(configText)</script>"#,
            "scripts": (scripts.map(Self.script) + options.inlineScripts.map(Self.inline))
                .joined(separator: "\n            "),
            "renderer": #"<script id="_dash-renderer" type="application/javascript">"#
                + "var renderer = new DashRenderer(\(hooks));</script>",
        ]
    }

    private var configText: String { String(decoding: config.serialized(escapingHTML: true), as: UTF8.self) }

    /// The default meta tags that the app does not override, then the app's.
    private var metas: [String] {
        let own = options.metaTags
        var tags: [TagAttributes] = []
        if !own.contains(where: { $0["http-equiv"] == "X-UA-Compatible" }) {
            tags.append(["http-equiv": "X-UA-Compatible", "content": "IE=edge"])
        }
        if !own.contains(where: { $0["charset"] != nil }) { tags.append(["charset": "UTF-8"]) }
        if !own.contains(where: { $0["name"] == "viewport" }) {
            tags.append(["name": "viewport", "content": "width=device-width, initial-scale=1"])
        }
        return (pageTags + tags + own).map { "<meta \($0.text())>" }
    }

    private var hooks: String {
        let hooks = options.rendererHooks.sorted { $0.key < $1.key }
        return hooks.isEmpty
            ? "" : "{\(hooks.map { "\($0.key.jsonText): \(Self.safe($0.value))" }.joined(separator: ", "))}"
    }

    private static func stylesheet(_ sheet: TagAttributes) -> String {
        let attributes = sheet.text {
            [.init(name: "rel", value: "stylesheet"), .init(name: "href", value: $0)]
        }
        return "<link \(attributes)>"
    }

    private static func script(_ script: TagAttributes) -> String {
        let attributes = script.text { address in
            let isModule = address.prefix { $0 != "?" }.hasSuffix(".mjs")
            return [.init(name: "src", value: address)] + (isModule ? [.init(name: "type", value: "module")] : [])
        }
        return "<script \(attributes)></script>"
    }

    private static func inline(_ source: String) -> String { "<script>\(safe(source))</script>" }

    /// Source that cannot end the script element. In JavaScript `<\/script` equals `</script` in strings, templates and
    /// regular expressions.
    private static func safe(_ source: String) -> String {
        source.replacing("</script", with: "<\\/script").replacing("<!--", with: "<\\!--")
    }

    /// `text` with the five special characters of HTML replaced.
    static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}

/// Builds the `_dash-config` object that the renderer reads at load (docs/protocol.md, Index page).
struct IndexConfig: Sendable {
    var requestsPrefix: String
    /// The enabled developer tools.
    var tools: ActiveDevTools
    /// The title while a callback runs; nil leaves the title unchanged.
    var updateTitle: String?
    /// The ids that the browser validates.
    var check: IDCheck
    /// Per namespace and component, the properties other than `children` that contain components.
    var childrenProps: JSON
    /// The token of this page load.
    var endID: String
    var page = PageOptions()

    /// The front-end versions of the pinned suites, shown by the developer tools only.
    static let dashVersion = "4.4.1"
    static let plotlyVersion = "7.1.0"

    /// The object, with its members in Dash's order.
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
        // Without it, the panel offers to publish the app with a Python package.
        config.append("plotly_cloud_installed", .bool(tools.ui))
        if let times = tools.hotReload {
            let interval = Int((times.hotReloadInterval / .milliseconds(1)).rounded())
            config.append("hot_reload", ["interval": .int(interval), "max_retry": .int(times.hotReloadMaxRetry)])
        }
        if case .validation(let layout) = check { config.append("validation_layout", layout) }
        if tools.ui { config.append("dev_tools", []) }
        return .object(config)
    }

    private var isUnchecked: Bool {
        if case .none = check { true } else { false }
    }
}

/// The package's own browser scripts (folder `Client`), each served under a name that changes with its content.
enum ClientScript {
    /// The script for polls, included in every app.
    static let bytes: [UInt8] = PackageResources.dash_swift_js

    /// The first digits of the content's hash.
    static let version = version(of: bytes)

    /// The path relative to the app.
    static let path = "_dash-swift/client.\(version).js"

    /// The script of apps with pages.
    static let pagesBytes: [UInt8] = PackageResources.pages_js

    /// The path relative to the app.
    static let pagesPath = "_dash-swift/pages.\(version(of: pagesBytes)).js"

    /// The additional script of pages with hot reload.
    static let developmentBytes: [UInt8] = PackageResources.dash_swift_dev_js

    /// The path relative to the app.
    static let developmentPath = "_dash-swift/development.\(version(of: developmentBytes)).js"

    /// The tag of the script for hot reload.
    ///
    /// - Parameters:
    ///   - prefix: The prefix of the app's requests.
    ///   - hash: The state of the assets used by the page.
    ///   - trap: The trap that is already reported to the page.
    static func development(prefix: String, hash: String, trap: String?) -> TagAttributes {
        ["src": "\(prefix)\(developmentPath)", "data-hash": "\(hash)", "data-trap": "\(trap ?? "")"]
    }

    private static func version(of bytes: [UInt8]) -> String {
        Hexadecimal.text(SHA256.hash(data: bytes).prefix(6))
    }
}

/// The clientside functions of an app, as scripts that the page loads. Each is a separate file, so that an error in one
/// does not break others and a strict content security policy can forbid inline scripts.
struct ClientsideScripts: Sendable {
    /// The paths relative to the app, in registration order.
    let paths: [String]
    private let scripts: [String: [UInt8]]

    init(_ callbacks: [Callback]) {
        var paths: [String] = [], scripts: [String: [UInt8]] = [:]
        for function in callbacks.compactMap(\.clientside) {
            guard let source = function.source else { continue }
            let path = "_dash-swift/clientside/\(function.name).js"
            if scripts.updateValue(Self.script(function, source), forKey: path) == nil { paths.append(path) }
        }
        self.paths = paths
        self.scripts = scripts
    }

    /// The script at a path relative to the app; nil if there is none.
    func script(at path: String) -> [UInt8]? { scripts[path] }

    /// Assigns the function where the renderer looks it up.
    private static func script(_ function: ClientsideFunction, _ source: String) -> [UInt8] {
        let (space, name) = (function.namespace.jsonText, function.name.jsonText)
        let text = """
            (function () {
                var all = window.dash_clientside = window.dash_clientside || {};
                var own = all[\(space)] = all[\(space)] || {};
                own[\(name)] = \(source)
                ;
            })();

            """
        return Array(text.utf8)
    }
}
