import DashJSON
import Synchronization

/// Checks for the pages of an app.
struct PageRules {
    let pages: [DashPage]
    let notFound: [DashPage]

    init(_ registry: PageRegistry) {
        pages = registry.declared
        notFound = registry.declaredNotFound
    }

    var findings: [Finding] { pages.flatMap(own) + repeatedPaths + redirects + repeatedNotFound }

    private func own(_ page: DashPage) -> [Finding] {
        var sentences = [page.template.problem].compactMap(\.self)
        if sentences.isEmpty, page.template.match(PathTemplate.segments(of: page.path)) == nil {
            sentences.append(
                "The path “\(page.path)” does not match its template “\(page.template.text)”. Change one of them."
            )
        }
        sentences += page.redirectFrom.compactMap { path in
            let template = PathTemplate(path)
            if template.hasVariables {
                return "redirectFrom: “\(path)” has a variable. Use a path without variables."
            }
            return template.problem.map { "redirectFrom: \($0)" }
        }
        return sentences.map(page.location.finding)
    }

    private var repeatedPaths: [Finding] {
        var seen: [String: DashPage] = [:]
        return pages.compactMap { page in
            guard let other = seen[page.template.shape] else {
                seen[page.template.shape] = page
                return nil
            }
            return page.location.finding(
                "The path “\(page.template.text)” is used by the page at \(other.location). Choose another."
            )
        }
    }

    private var redirects: [Finding] {
        let paths = Dictionary(
            pages.filter { !$0.template.hasVariables }.map { (PathTemplate.segments(of: $0.path), $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var seen: [[String]: DashPage] = [:]
        return pages.flatMap { page in
            page.redirectFrom.compactMap { path in
                let segments = PathTemplate.segments(of: path)
                let other = paths[segments] ?? seen[segments]
                seen[segments] = page
                return other.map { other in
                    page.location.finding(
                        "redirectFrom: “\(path)” already leads to the page at \(other.location). Remove it."
                    )
                }
            }
        }
    }

    private var repeatedNotFound: [Finding] {
        notFound.dropFirst().map { page in
            page.location.finding(
                "The app already has a not-found page, at \(notFound[0].location). Remove one of the two."
            )
        }
    }
}

extension DashApp {
    /// The mistakes in the pages' own ids, and in combination with the layout if it is known at start.
    ///
    /// - Parameter location: The app's declaration.
    func pageFindings(beside layout: LayoutRules, at location: SourceLocation) -> [Finding] {
        let isShown = layout.has(PageCallbacks.contentID)
        let place: String? =
            switch (pageRegistry.isUsed, isShown) {
            case (true, false): "The layout has no page container. Add app.pageContainer."
            case (false, true): "The layout has app.pageContainer, but the app has no pages. Add one with app.page(…)."
            default: nil
            }
        let own = (pageRegistry.ordered + pageRegistry.declaredNotFound).flatMap { page -> [Finding] in
            guard let content = page.layout.fixed else { return [] }
            let rules = LayoutRules(content.json, at: page.location)
            return rules.findings + rules.shared(with: layout)
        }
        return [place].compactMap(\.self).map(location.finding) + own
    }

    /// The layouts of all pages; nil if the app's code builds one of them.
    var knownPageLayouts: [any Renderable]? {
        let layouts = (pageRegistry.ordered + pageRegistry.declaredNotFound).map(\.layout.fixed)
        return layouts.contains { $0 == nil } ? nil : layouts.compactMap(\.self)
    }
}

/// The layout against which the browser checks the ids of callbacks.
enum IDCheck: Sendable {
    /// No check: the set of ids changes.
    case none
    /// The page's layout.
    case layout
    /// A layout that is not shown.
    case validation(JSON)
}

extension DashApp {
    /// Determines the browser's id check.
    ///
    /// - Parameter request: The request of the page, for a layout that the app's code builds.
    /// - Throws: An error of the layouts, which are built without variables.
    func idCheck(for request: PageRequest) async throws -> IDCheck {
        guard checksIDs else { return .none }
        let own = page.validationLayout
        guard pageRegistry.isUsed else { return own.map { .validation($0.json) } ?? .layout }
        var layouts: [JSON] = []
        for page in pageRegistry.ordered + pageRegistry.declaredNotFound {
            layouts.append(try await page.layout.content(for: PageVisit(path: page.path)).json)
        }
        if let own { layouts.append(own.json) } else { layouts.append(try await wholeLayout(for: request)) }
        return .validation(html.Div(JSON.array(layouts)).json)
    }

    private func wholeLayout(for request: PageRequest) async throws -> JSON {
        switch layoutSource {
        case .none: .null
        case .value(let layout): layout.json
        case .function(let make): try await make(request).json
        }
    }
}

/// Caches an app's check, as building the layouts of pages may take time.
final class KeptIDCheck: Sendable {
    private let kept = Mutex<IDCheck?>(nil)

    /// The check; none if a layout cannot be built without variables, because its ids are then unknown.
    func check(of app: DashApp, for request: PageRequest) async -> IDCheck {
        if let check = kept.withLock(\.self) { return check }
        guard let check = try? await app.idCheck(for: request) else { return .none }
        kept.withLock { $0 = check }
        return check
    }
}
