import DashJSON

/// Writes the page that loads the front end (dash-protocol §2).
struct IndexPage: Sendable {
    /// The text between `<title>` tags; escaped here.
    var title: String
    /// Prefix of every request the browser makes, with a slash at both ends.
    var requestsPrefix: String
    /// Attributes of each `<meta>` tag after the three that every page has.
    var metaTags: [[(name: String, value: String)]] = []
    /// URLs of style sheets, in order.
    var stylesheets: [String] = []
    /// URLs of scripts, in order; our own and the renderer among them.
    var scripts: [String] = []
    /// URL of the icon.
    var favicon: String
    /// The object of `_dash-config`.
    var config: JSON

    /// The whole page.
    func html() -> String {
        """
        <!DOCTYPE html>
        <html>
            <head>
                <meta http-equiv="X-UA-Compatible" content="IE=edge">
                <meta charset="UTF-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
        \(metaTags.map { "        <meta \(Self.attributes($0))>\n" }.joined())\
                <title>\(Self.escape(title))</title>
                <link rel="icon" type="image/x-icon" href="\(Self.escape(favicon))">
        \(stylesheets.map { "        <link rel=\"stylesheet\" href=\"\(Self.escape($0))\">\n" }.joined())\
            </head>
            <body>
                <div id="react-entry-point">
                    <div class="_dash-loading">
                        Loading...
                    </div>
                </div>
                <footer>
                    <script id="_dash-config" type="application/json">\(configText)</script>
        \(scripts.map { "            \(Self.script($0))\n" }.joined())\
                    <script id="_dash-renderer" type="application/javascript">var renderer = new DashRenderer();</script>
                </footer>
            </body>
        </html>
        """
    }

    private var configText: String { String(decoding: config.serialized(escapingHTML: true), as: UTF8.self) }

    private static func script(_ url: String) -> String {
        let path = url.prefix { $0 != "?" }
        return "<script src=\"\(escape(url))\"\(path.hasSuffix(".mjs") ? " type=\"module\"" : "")></script>"
    }

    private static func attributes(_ attributes: [(name: String, value: String)]) -> String {
        attributes.map { "\(escape($0.name))=\"\(escape($0.value))\"" }.joined(separator: " ")
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
