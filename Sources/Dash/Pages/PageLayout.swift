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
