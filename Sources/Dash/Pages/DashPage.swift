/// A page of an app as the registry has it: see ``DashApp/pages``.
///
/// ```swift
/// app.layout = [html.Nav(app.pages.map { page in page.link() }), html.Hr(), app.pageContainer]
/// ```
public struct DashPage: Sendable {
    /// The path below the app's own; of a page with variables its template with `none` for each: `/reports/none`.
    public let path: String
    /// The path as it was given, if it has variables: `/reports/<id>`; else `nil`.
    public let pathTemplate: String?
    /// The name for links to the page.
    public let name: String
    /// The page's place in the order; those without one come last.
    public let order: Double?
    /// The paths whose visitors are sent on to the page.
    public let redirectFrom: [String]
    /// The names of the groups that the page is in, the outermost first; a group without a name is left out.
    public let groups: [String]
    let template: PathTemplate
    let texts: Texts
    let layout: PageLayout
    let location: SourceLocation
    let place: PagePlace

    /// What is said of the page, besides its name.
    struct Texts: Sendable {
        var title: PageText?
        var description: PageText?
        var image: String?
        var imageURL: String?
        /// The app's title, where the app has one of its own.
        var appTitle: String?
    }

    /// The title of the browser's tab on the page; one that depends on the visit is made without variables.
    public var title: String { title(for: PageVisit(path: path)) }

    /// The description given; one that depends on the visit is made without variables.
    public var description: String? { texts.description?.text(for: PageVisit(path: path)) }

    /// The path as the browser needs it: with the path at which the app is mounted, and the prefix of a proxy.
    ///
    /// These are known when the app is mounted; a text made before has the path alone. ``link(_:className:)`` needs not
    /// care.
    public var relativePath: String { place.address(of: path) }

    /// A `dcc.Link` to the page.
    ///
    /// - Parameters:
    ///   - children: What is clicked; `nil` is the page's name.
    ///   - className: The CSS classes.
    public func link(_ children: (any Renderable)? = nil, className: String? = nil) -> Element {
        place.link(children ?? name, to: path, className: className)
    }

    func title(for visit: PageVisit) -> String {
        texts.title?.text(for: visit) ?? texts.appTitle ?? name
    }
}

extension DashPage {
    /// The name that a path gives: `Monthly report` for `/monthly-report`, `Home` for `/`.
    static func name(of template: PathTemplate) -> String {
        let words = template.segments.last { pieces in
            pieces.allSatisfy { if case .text = $0 { true } else { false } }
        }
        guard case .text(let text)? = words?.first else { return "Home" }
        let spaced = text.replacing(/[-_]+/, with: " ")
        return spaced.prefix(1).uppercased() + spaced.dropFirst().lowercased()
    }
}
