/// What an app's page has besides the app: see ``DashApp/page``.
///
/// ```swift
/// app.page.metaTags = [["name": "description", "content": "Sales by region"]]
/// app.page.externalStylesheets = ["https://cdn.example.org/grid.css"]
/// app.page.externalScripts = [["src": "https://cdn.example.org/map.js", "integrity": "sha384-…"]]
/// ```
public struct PageOptions: Sendable {
    /// The attributes of `<meta>` tags, after the three that every page has; one of the same kind takes the place of one of
    /// those.
    public var metaTags: [TagAttributes] = []
    /// What search engines and previews of links are told of the app: the description of pages that have none.
    public var description = ""
    /// Whether a page of an app with pages has meta tags of its own: title, description and image for search engines and
    /// previews of links.
    public var includesPageMeta = true
    /// Scripts of other places, loaded before those of the component suites and of the assets.
    public var externalScripts: [TagAttributes] = []
    /// Style sheets of other places, before those of the component suites and of the assets.
    public var externalStylesheets: [TagAttributes] = []
    /// JavaScript that stands in the page itself, after all other scripts and before the app starts. A page with a strict
    /// content security policy needs a file in the assets instead.
    public var inlineScripts: [String] = []
    /// Functions in JavaScript that the renderer calls, by name: `request_pre`, `request_post`, `layout_pre`, `layout_post`,
    /// `callback_resolved`, `request_refresh_jwt`.
    public var rendererHooks: [String: String] = [:]
    /// The whole page, with `{%metas%} {%title%} {%favicon%} {%css%} {%app_entry%} {%config%} {%scripts%} {%renderer%}`
    /// where these belong; nil is a plain page. The last four of them are needed.
    public var template: String?
    /// Whether the page has buttons that undo and redo changes.
    public var showsUndoRedo = false
    /// The cookie whose value the page sends back with each request, for middleware that checks it.
    public var csrfCookie = "_csrf_token"
    /// The header that it is sent in.
    public var csrfHeader = "X-CSRFToken"
    /// The layout that ids are checked against in the browser, where ``DashApp/layout`` has not all of them at first; nil is
    /// the layout itself.
    public var validationLayout: (any Renderable)?

    /// A plain page.
    public init() {}
}

/// Which files of an app's assets folder go into its page: see ``DashApp/assets``.
///
/// Folders come in the order of their names, the folder itself first, and in each the files by name. Files that are left out
/// of the page are still served.
public struct AssetsOptions: Sendable {
    /// Whether scripts and style sheets go into the page at all.
    public var isIncluded = true
    /// A regular expression; files with a match in their name are left out of the page.
    public var ignore: String?
    /// Regular expressions; files in folders with a match in their name are left out of the page.
    public var ignoreFolders: [String] = []

    /// All files go into the page.
    public init() {}
}

/// The attributes of an HTML tag in their order; written as a text it is the address of a script or a style sheet.
public struct TagAttributes: Sendable, Hashable, ExpressibleByDictionaryLiteral, ExpressibleByStringInterpolation {
    /// One attribute.
    struct Attribute: Sendable, Hashable {
        var name: String
        var value: String
    }

    /// The address, where nothing else was given.
    let address: String?
    let attributes: [Attribute]

    /// The address of a script or a style sheet.
    public init(stringLiteral value: String) { self.init(address: value) }

    /// The address of a script or a style sheet.
    public init(address: String) {
        self.address = address
        attributes = []
    }

    /// Names and values of attributes; they are escaped as HTML wants it.
    public init(dictionaryLiteral elements: (String, String)...) {
        address = nil
        attributes = elements.map { Attribute(name: $0, value: $1) }
    }

    /// The value of an attribute.
    subscript(name: String) -> String? { attributes.first { $0.name.lowercased() == name }?.value }

    /// The attributes as they stand in a tag.
    ///
    /// - Parameter make: Gives those for an address.
    func text(_ make: (String) -> [Attribute] = { [Attribute(name: "src", value: $0)] }) -> String {
        (address.map(make) ?? attributes)
            .map { "\($0.name)=\"\(IndexPage.escape($0.value))\"" }.joined(separator: " ")
    }
}

extension DashApp {
    /// What the page has besides the app: meta tags, scripts and styles of other places, a template.
    public var page: PageOptions {
        get { withSettings { $0.page } }
        set { withSettings { $0.page = newValue } }
    }

    /// Which files of the assets folder go into the page.
    public var assets: AssetsOptions {
        get { withSettings { $0.assets } }
        set { withSettings { $0.assets = newValue } }
    }
}
