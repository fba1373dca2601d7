import DashJSON

/// Writes the page that loads the front end (dash-protocol §2).
struct IndexPage: Sendable {
    /// The text between `<title>` tags; escaped here.
    var title: String
    var options = PageOptions()
    /// The meta tags of a page of several, before all others.
    var pageTags: [TagAttributes] = []
    /// Style sheets, in order.
    var stylesheets: [TagAttributes] = []
    /// Scripts, in order; our own and the renderer among them.
    var scripts: [TagAttributes] = []
    /// URL of the icon.
    var favicon: String
    /// The object of `_dash-config`.
    var config: JSON

    /// What a template needs, as the renderer finds nothing to start with otherwise.
    static let neededPlaces = ["app_entry", "config", "scripts", "renderer"]

    /// The whole page.
    func html() -> String {
        let places = places
        guard let template = options.template else { return plain(places) }
        // Cut at the places, so that nothing that is filled in is taken for one.
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

    /// The three of every page, but for those the app has one of its own kind of; then the app's.
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

    /// A source in which nothing ends the script element. In JavaScript `<\/script` is the same as `</script` wherever it may
    /// stand: in a text, a template or a regular expression.
    private static func safe(_ source: String) -> String {
        source.replacing("</script", with: "<\\/script").replacing("<!--", with: "<\\!--")
    }

    /// `text` with the five characters that mean something to HTML replaced.
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
