import Foundation

/// A registered page of an app; see ``DashApp/pages``.
///
/// ```swift
/// app.layout = [html.Nav(app.pages.map { page in page.link() }), html.Hr(), app.pageContainer]
/// ```
public struct DashPage: Sendable {
    /// The path relative to the app's. For a page with variables, the template with `none` for each: `/reports/none`.
    public let path: String
    /// The path with its variables, such as `/reports/<id>`; `nil` for a page without variables.
    public internal(set) var pathTemplate: String?
    /// The name for links to the page.
    public let name: String
    /// The page's position; pages without one come last.
    public internal(set) var order: Double?
    /// The paths that redirect to the page.
    public internal(set) var redirectFrom: [String] = []
    /// The names of the page's groups, the outermost first; groups without a name are omitted.
    public internal(set) var groups: [String] = []
    let template: PathTemplate
    let texts: Texts
    let layout: PageContent
    let location: SourceLocation
    let place: PagePlace

    /// The page's texts besides its name.
    struct Texts: Sendable {
        var title: PageText?
        var description: PageText?
        var image: String?
        var imageURL: String?
        /// The app's title, if it is not the default.
        var appTitle: String?
    }

    /// The title of the browser tab; one that depends on the visit is computed without variables.
    public var title: String { title(for: PageVisit(path: path)) }

    /// The page's description; one that depends on the visit is computed without variables.
    public var description: String? { texts.description?.text(for: PageVisit(path: path)) }

    /// The path for the browser, including the app's mount path and a proxy's prefix.
    ///
    /// These are known once the app is mounted; before, this is the path alone. ``link(_:className:)`` works before,
    /// too.
    public var relativePath: String { place.address(of: path) }

    /// Creates a `dcc.Link` to the page.
    ///
    /// - Parameters:
    ///   - children: The link's content; `nil` is the page's name.
    ///   - className: The CSS classes.
    public func link(_ children: (any Renderable)? = nil, className: String? = nil) -> Element {
        place.link(children ?? name, to: path, className: className)
    }

    func title(for visit: PageVisit) -> String {
        texts.title?.text(for: visit) ?? texts.appTitle ?? name
    }
}

extension DashPage {
    /// The default name of a page, from its path: `Monthly report` for `/monthly-report`, `Home` for `/`.
    static func name(of template: PathTemplate) -> String {
        let words = template.segments.last { pieces in
            pieces.allSatisfy { if case .text = $0 { true } else { false } }
        }
        guard case .text(let text)? = words?.first else { return "Home" }
        let spaced = text.replacing(/[-_]+/, with: " ")
        return spaced.prefix(1).uppercased() + spaced.dropFirst().lowercased()
    }
}

/// The source of a page's content, and the frames of its groups.
struct PageContent: Sendable {
    typealias Make = @Sendable (PageVisit) async throws -> any Renderable
    typealias Frame = @Sendable (_ content: any Renderable, _ visit: PageVisit) async throws -> any Renderable

    enum Source: Sendable {
        case value(any Renderable)
        case function(Make)
    }

    let source: Source
    /// The frames of the page's groups, the innermost first.
    var frames: [Frame] = []

    /// The content if it is the same for every visit; nil if the app's code builds it.
    var fixed: (any Renderable)? {
        guard frames.isEmpty, case .value(let value) = source else { return nil }
        return value
    }

    /// Builds the content for a visit.
    ///
    /// - Throws: An error of the app's closures.
    func content(for visit: PageVisit) async throws -> any Renderable {
        var content: any Renderable =
            switch source {
            case .value(let value): value
            case .function(let make): try await make(visit)
            }
        for frame in frames { content = try await frame(content, visit) }
        return content
    }
}

/// The meta tags of a page, for search engines and link previews.
struct PageMeta: Sendable {
    let page: DashPage?
    let visit: PageVisit
    let options: PageOptions
    /// The full address of the request.
    let address: String
    /// The address of the page's image; empty without one.
    let image: String
    let title: String

    /// The tags, in Dash's order.
    var tags: [TagAttributes] {
        let description = page?.texts.description?.text(for: visit) ?? options.description
        return [
            ["name": "description", "content": description],
            ["property": "twitter:card", "content": "summary_large_image"],
            ["property": "twitter:url", "content": address],
            ["property": "twitter:title", "content": title],
            ["property": "twitter:description", "content": description],
            ["property": "twitter:image", "content": image],
            ["property": "og:title", "content": title],
            ["property": "og:type", "content": "website"],
            ["property": "og:description", "content": description],
            ["property": "og:image", "content": image],
        ]
    }
}

extension ServedApp {
    /// The meta tags of the requested page; nil for an app without pages.
    ///
    /// - Parameters:
    ///   - request: The request, with the path relative to the app's.
    ///   - origin: Scheme and host, as the browser sees them.
    func pageMeta(for request: PageRequest, origin: String) -> PageMeta? {
        guard app.pageRegistry.isUsed else { return nil }
        let parts = request.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let match = app.pageRegistry.match(String(parts[0]))
        let visit = PageVisit(
            path: String(parts[0]),
            variables: match?.variables ?? [:],
            query: QueryParameters(parts.count > 1 ? String(parts[1]) : ""),
            request: request
        )
        let page = match?.page ?? app.pageRegistry.notFound
        return PageMeta(
            page: page,
            visit: visit,
            options: app.page,
            address: origin + requestsPrefix + request.path.dropFirst(),
            image: page.flatMap { image(of: $0, origin: origin) } ?? "",
            title: page?.title(for: visit) ?? app.title
        )
    }

    private func image(of page: DashPage, origin: String) -> String? {
        if let elsewhere = page.texts.imageURL { return elsewhere }
        let name = page.texts.image ?? assets.now.folder.image(named: PathTemplate.segments(of: page.path).last ?? "")
        return name.map { name in
            let path = name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? name
            return "\(origin)\(requestsPrefix)assets/\(path)"
        }
    }
}

extension AssetsFolder {
    /// The image named like a page, otherwise the app's.
    fileprivate func image(named page: String) -> String? {
        let images = files.map(\.name).filter { name in
            ["apng", "avif", "gif", "jpeg", "jpg", "png", "svg", "webp"].contains { name.hasSuffix("." + $0) }
        }
        func first(_ wanted: String) -> String? {
            images.first { $0.split(separator: "/").last?.prefix { $0 != "." } == wanted[...] }
        }
        return first(page) ?? first("app") ?? first("logo")
    }
}

/// The title or description of a page: constant, or computed for each visit.
///
/// ```swift
/// app.page("/", title: "Sales", layout: html.H1("All regions"))
/// app.page("/regions/<region>", title: .by { "Sales of \($0["region"] ?? "a region")" }) { visit in
///     html.H1(visit["region"] ?? "")
/// }
/// ```
public struct PageText: Sendable, ExpressibleByStringInterpolation {
    private let make: @Sendable (PageVisit) -> String

    private init(make: @escaping @Sendable (PageVisit) -> String) { self.make = make }

    /// Creates a constant text.
    public init(stringLiteral value: String) { self.init(value) }

    /// Creates a constant text.
    public init(_ text: String) { make = { _ in text } }

    /// Creates a text that depends on the visit.
    ///
    /// - Parameter make: Returns the text. It is also called for the meta tags when a page is loaded, and for
    ///   ``DashPage/title`` without variables.
    public static func by(_ make: @escaping @Sendable (_ visit: PageVisit) -> String) -> PageText {
        PageText(make: make)
    }

    func text(for visit: PageVisit) -> String { make(visit) }
}
