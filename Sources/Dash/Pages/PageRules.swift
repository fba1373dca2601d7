import DashJSON
import Synchronization

/// The rules for the pages of an app.
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
            sentences.append("The path “\(page.path)” does not fit its template “\(page.template.text)”.")
        }
        sentences += page.redirectFrom.compactMap { path in
            let template = PathTemplate(path)
            if template.hasVariables {
                return "redirectFrom: “\(path)” has a variable, which a redirection cannot have."
            }
            return template.problem.map { "redirectFrom: \($0)" }
        }
        return sentences.map { Finding(location: page.location, sentence: $0) }
    }

    private var repeatedPaths: [Finding] {
        var seen: [String: DashPage] = [:]
        return pages.compactMap { page in
            guard let other = seen[page.template.shape] else {
                seen[page.template.shape] = page
                return nil
            }
            return Finding(
                location: page.location,
                sentence: "The path “\(page.template.text)” is that of the page at \(other.location): choose another."
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
                    Finding(
                        location: page.location,
                        sentence:
                            "redirectFrom: “\(path)” leads to the page at \(other.location) already: leave it out."
                    )
                }
            }
        }
    }

    private var repeatedNotFound: [Finding] {
        notFound.dropFirst().map { page in
            Finding(
                location: page.location,
                sentence: """
                    The app has a page for what is not found already, at \(notFound[0].location): make one of the two.
                    """
            )
        }
    }
}

extension DashApp {
    /// What is wrong with the pages beside a layout that is known at start, and with their own ids.
    func pageFindings(beside layout: LayoutRules) -> [Finding] {
        let isShown = layout.has(PageCallbacks.contentID)
        let place: String? =
            switch (pageRegistry.isUsed, isShown) {
            case (true, false): "The layout has no place for the pages: put app.pageContainer into it."
            case (false, true): "The layout has app.pageContainer, but the app has no pages: add one by app.page(…)."
            default: nil
            }
        let own = (pageRegistry.ordered + pageRegistry.declaredNotFound).flatMap { page -> [Finding] in
            guard let content = page.layout.fixed else { return [] }
            let rules = LayoutRules(content.json, at: page.location)
            return rules.findings + rules.shared(with: layout)
        }
        return [place].compactMap(\.self).map { Finding(location: location, sentence: $0) } + own
    }

    /// The layouts of all pages; nil if one of them is made by the app's code.
    var knownPageLayouts: [any Renderable]? {
        let layouts = (pageRegistry.ordered + pageRegistry.declaredNotFound).map(\.layout.fixed)
        return layouts.contains { $0 == nil } ? nil : layouts.compactMap(\.self)
    }
}

/// What the browser checks the ids of callbacks against.
enum IDCheck: Sendable {
    /// Nothing: ids come and go.
    case none
    /// The layout it is given.
    case layout
    /// A layout that nobody sees.
    case validation(JSON)
}

extension DashApp {
    /// What the browser is to check ids against.
    ///
    /// - Parameter request: The request of the page; a layout that the app's code makes may look at it.
    /// - Throws: what the layouts throw, for which nobody visits the page: they have no variables.
    func idCheck(for request: PageRequest) async throws -> IDCheck {
        if suppressCallbackExceptions || outlivesPages { return .none }
        let own = page.validationLayout
        guard pageRegistry.isUsed else { return own.map { .validation($0.json) } ?? .layout }
        var layouts: [JSON] = []
        for page in pageRegistry.ordered + pageRegistry.declaredNotFound {
            layouts.append(try await page.layout.content(for: PageVisit(path: page.path)).json)
        }
        if let own { layouts.append(own.json) } else { layouts.append(try await wholeLayout(for: request)) }
        return .validation(html.Div(JSON.array(layouts)).json)
    }

    /// Whether something may change properties of a page that is shown no more: a job goes on when its visitor goes to
    /// another page, and the browser would take each of its updates for a mistake of the app.
    private var outlivesPages: Bool {
        pageRegistry.isUsed && registry.callbacks.contains { $0.kind == .background || !$0.running.isEmpty }
    }

    private func wholeLayout(for request: PageRequest) async throws -> JSON {
        switch layoutSource {
        case .none: .null
        case .value(let layout): layout.json
        case .function(let make): try await make(request).json
        }
    }
}

/// Makes an app's check once, as the layouts of pages may take their time.
final class KeptIDCheck: Sendable {
    private let kept = Mutex<IDCheck?>(nil)

    /// The check; none while a layout cannot be made without variables, for nobody can know its ids then.
    func check(of app: DashApp, for request: PageRequest) async -> IDCheck {
        if let check = kept.withLock(\.self) { return check }
        guard let check = try? await app.idCheck(for: request) else { return .none }
        kept.withLock { $0 = check }
        return check
    }
}
