import Synchronization

/// The pages of one app.
final class PageRegistry: Sendable {
    private struct State {
        var pages: [DashPage] = []
        var notFound: [DashPage] = []
        var inputs: [any Dependency] = []
        var inputsLocation: SourceLocation?
    }

    /// What a path leads to.
    struct Match: Sendable {
        let page: DashPage
        let variables: [String: String]
    }

    let place = PagePlace()
    private let state = Mutex(State())

    /// Adds a page; mistakes are told by ``findings``.
    func add(_ page: DashPage) { state.withLock { $0.pages.append(page) } }

    /// Adds the page for what is not found; a second one is a finding.
    func addNotFound(_ page: DashPage) { state.withLock { $0.notFound.append(page) } }

    /// What the routing callback reads besides the address.
    var inputs: [any Dependency] {
        get { state.withLock { $0.inputs } }
        set { state.withLock { $0.inputs = newValue } }
    }

    /// Whether the app has pages.
    var isUsed: Bool { state.withLock { !$0.pages.isEmpty || !$0.notFound.isEmpty } }

    /// The pages in the order of their registration.
    var declared: [DashPage] { state.withLock { $0.pages } }

    /// The pages for what is not found; more than one is a finding.
    var declaredNotFound: [DashPage] { state.withLock { $0.notFound } }

    /// The page for what is not found.
    var notFound: DashPage? { declaredNotFound.first }

    /// The pages in Dash's order: by ``DashPage/order``, then those without one; `/` comes first where none has one.
    var ordered: [DashPage] {
        let pages = declared
        let isOrdered = pages.contains { $0.order != nil }
        func order(_ page: DashPage) -> Double {
            page.order ?? (!isOrdered && page.path == "/" ? 0 : .infinity)
        }
        // By place too, as the sort itself does not promise to keep it.
        return pages.enumerated().sorted { (order($0.element), $0.offset) < (order($1.element), $1.offset) }.map(
            \.element
        )
    }

    /// The page of a path below the app's own; an exact one before those with variables.
    func match(_ path: String) -> Match? {
        let segments = PathTemplate.segments(of: path)
        let pages = ordered
        let candidates = pages.filter { !$0.template.hasVariables } + pages.filter(\.template.hasVariables)
        for page in candidates {
            if let variables = page.template.match(segments) { return Match(page: page, variables: variables) }
        }
        return redirect(from: path).map { Match(page: $0, variables: [:]) }
    }

    /// The page that visitors of a path are sent on to.
    func redirect(from path: String) -> DashPage? {
        let segments = PathTemplate.segments(of: path)
        return ordered.first { page in
            page.redirectFrom.contains { PathTemplate.segments(of: $0) == segments }
        }
    }
}
