import Foundation

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

/// Where a page's content comes from, and what its groups put around it.
struct PageLayout: Sendable {
    typealias Make = @Sendable (PageVisit) async throws -> any Renderable
    typealias Frame = @Sendable (_ content: any Renderable, _ visit: PageVisit) async throws -> any Renderable

    enum Source: Sendable {
        case value(any Renderable)
        case function(Make)
    }

    let source: Source
    /// The frames of the page's groups, the innermost first.
    var frames: [Frame] = []

    /// The content where it is the same for every visit; nil where code of the app makes it.
    var fixed: (any Renderable)? {
        guard frames.isEmpty, case .value(let value) = source else { return nil }
        return value
    }

    /// The content for a visit.
    ///
    /// - Throws: what the app's closures throw.
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

/// The meta tags of a page in the index, by which search engines and previews of links know it.
struct PageMeta: Sendable {
    let page: DashPage?
    let visit: PageVisit
    let options: PageOptions
    /// The whole address that was asked for.
    let address: String
    /// The address of the page's image; empty if it has none.
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
    /// What the index says of the page that was asked for; nil for an app without pages.
    ///
    /// - Parameters:
    ///   - request: The request, with the path below the app's own.
    ///   - origin: Scheme and host, as the browser knows them.
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
    /// The image of a page by its name, or else the app's.
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

/// The title or the description of a page: a text, or one that is made for each visit.
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

    /// A text.
    public init(stringLiteral value: String) { self.init(value) }

    /// A text.
    public init(_ text: String) { make = { _ in text } }

    /// A text that depends on the visit.
    ///
    /// - Parameter make: Makes the text. It is also asked for the meta tags of a page that is loaded anew, and for
    ///   ``DashPage/title`` without variables.
    public static func by(_ make: @escaping @Sendable (_ visit: PageVisit) -> String) -> PageText {
        PageText(make: make)
    }

    /// The text for a visit.
    func text(for visit: PageVisit) -> String { make(visit) }
}
