import Synchronization

final class PageRegistry: Sendable {
    private struct State {
        var pages: [DashPage] = []
        var notFound: [DashPage] = []
        var inputs: [any Dependency] = []
        var inputsLocation: SourceLocation?
    }

    struct Match: Sendable {
        let page: DashPage
        let variables: [String: String]
    }

    let place = PagePlace()
    private let state = Mutex(State())

    /// Adds a page; mistakes appear in ``findings``.
    func add(_ page: DashPage) { state.withLock { $0.pages.append(page) } }

    /// Adds a not-found page; a second one is a mistake.
    func addNotFound(_ page: DashPage) { state.withLock { $0.notFound.append(page) } }

    /// The inputs and states of the routing callback besides the address.
    var inputs: [any Dependency] {
        get { state.withLock { $0.inputs } }
        set { state.withLock { $0.inputs = newValue } }
    }

    /// Whether the app has pages.
    var isUsed: Bool { state.withLock { !$0.pages.isEmpty || !$0.notFound.isEmpty } }

    /// The pages in the order of registration.
    var declared: [DashPage] { state.withLock { $0.pages } }

    /// The not-found pages; more than one is a mistake.
    var declaredNotFound: [DashPage] { state.withLock { $0.notFound } }

    var notFound: DashPage? { declaredNotFound.first }

    /// The pages in Dash's order: by ``DashPage/order``, then those without one; if none has one, `/` comes first.
    var ordered: [DashPage] {
        let pages = declared
        let isOrdered = pages.contains { $0.order != nil }
        func order(_ page: DashPage) -> Double {
            page.order ?? (!isOrdered && page.path == "/" ? 0 : .infinity)
        }
        // By position too, as the sort is not guaranteed to be stable.
        return pages.enumerated().sorted { (order($0.element), $0.offset) < (order($1.element), $1.offset) }.map(
            \.element
        )
    }

    /// The page for a path relative to the app's; exact paths take precedence over those with variables.
    func match(_ path: String) -> Match? {
        let segments = PathTemplate.segments(of: path)
        let pages = ordered
        let candidates = pages.filter { !$0.template.hasVariables } + pages.filter(\.template.hasVariables)
        for page in candidates {
            if let variables = page.template.match(segments) { return Match(page: page, variables: variables) }
        }
        return redirect(from: path).map { Match(page: $0, variables: [:]) }
    }

    func redirect(from path: String) -> DashPage? {
        let segments = PathTemplate.segments(of: path)
        return ordered.first { page in
            page.redirectFrom.contains { PathTemplate.segments(of: $0) == segments }
        }
    }
}
