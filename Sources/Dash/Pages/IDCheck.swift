import DashJSON
import Synchronization

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
