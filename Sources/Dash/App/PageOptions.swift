/// Options of an app's HTML page; see ``DashApp/page``.
///
/// ```swift
/// app.page.metaTags = [["name": "description", "content": "Sales by region"]]
/// app.page.externalStylesheets = ["https://cdn.example.org/grid.css"]
/// app.page.externalScripts = [["src": "https://cdn.example.org/map.js", "integrity": "sha384-…"]]
/// ```
public struct PageOptions: Sendable {
    /// The attributes of `<meta>` tags, after the three of every page; one of the same kind replaces a default.
    public var metaTags: [TagAttributes] = []
    /// The app's description for search engines and link previews, used by pages without their own.
    public var description = ""
    /// Whether pages of the app have their own title, description and image as meta tags, for search engines and link
    /// previews.
    public var includesPageMeta = true
    /// External scripts, loaded before those of the component suites and the assets.
    public var externalScripts: [TagAttributes] = []
    /// External style sheets, before those of the component suites and the assets.
    public var externalStylesheets: [TagAttributes] = []
    /// JavaScript in the page itself, after all other scripts and before the app starts. With a strict content security
    /// policy, use a file in the assets instead.
    public var inlineScripts: [String] = []
    /// JavaScript functions that the renderer calls, by name: `request_pre`, `request_post`, `layout_pre`,
    /// `layout_post`, `callback_resolved`, `request_refresh_jwt`.
    public var rendererHooks: [String: String] = [:]
    /// The whole page, with the placeholders
    /// `{%metas%} {%title%} {%favicon%} {%css%} {%app_entry%} {%config%} {%scripts%} {%renderer%}`; nil uses a plain
    /// page. The last four are required.
    public var template: String?
    /// Whether the page has undo and redo buttons.
    public var showsUndoRedo = false
    /// The name of the cookie whose value the page returns with each request, for middleware that checks it.
    public var csrfCookie = "_csrf_token"
    /// The header of this value.
    public var csrfHeader = "X-CSRFToken"
    /// The layout against which the browser checks ids, if ``DashApp/layout`` does not contain all of them at first;
    /// nil uses the layout itself.
    public var validationLayout: (any Renderable)?

    /// Creates the options of a plain page.
    public init() {}
}

/// Selects the files of an app's assets folder that go into its page; see ``DashApp/assets``.
///
/// The files are sorted by folder, the folder itself first, then by name. Files that are left out of the page are still
/// served.
public struct AssetsOptions: Sendable {
    /// Whether scripts and style sheets go into the page.
    public var isIncluded = true
    /// A regular expression; files whose name matches are left out of the page.
    public var ignore: String?
    /// Regular expressions; files in folders whose name matches are left out of the page.
    public var ignoreFolders: [String] = []

    /// Creates options that include all files.
    public init() {}
}

/// The attributes of an HTML tag, in order. A string literal is the address of a script or style sheet.
public struct TagAttributes: Sendable, Hashable, ExpressibleByDictionaryLiteral, ExpressibleByStringInterpolation {
    struct Attribute: Sendable, Hashable {
        var name: String
        var value: String
    }

    /// The address, if it is all that was given.
    let address: String?
    let attributes: [Attribute]

    /// Creates attributes from the address of a script or style sheet.
    public init(stringLiteral value: String) { self.init(address: value) }

    /// Creates attributes from the address of a script or style sheet.
    public init(address: String) {
        self.address = address
        attributes = []
    }

    /// Creates attributes from names and values; values are escaped for HTML.
    public init(dictionaryLiteral elements: (String, String)...) {
        address = nil
        attributes = elements.map { Attribute(name: $0, value: $1) }
    }

    subscript(name: String) -> String? { attributes.first { $0.name.lowercased() == name }?.value }

    /// The attributes as HTML.
    ///
    /// - Parameter make: Returns the attributes of an address.
    func text(_ make: (String) -> [Attribute] = { [Attribute(name: "src", value: $0)] }) -> String {
        (address.map(make) ?? attributes)
            .map { "\($0.name)=\"\(IndexPage.escape($0.value))\"" }.joined(separator: " ")
    }
}

extension DashApp {
    /// Options of the HTML page: meta tags, external scripts and styles, a template.
    public var page: PageOptions {
        get { withSettings { $0.page } }
        set { withSettings { $0.page = newValue } }
    }

    /// Selects the files of the assets folder that go into the page.
    public var assets: AssetsOptions {
        get { withSettings { $0.assets } }
        set { withSettings { $0.assets = newValue } }
    }
}
