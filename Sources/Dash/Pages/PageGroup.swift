/// What pages are added to: a ``DashApp``, or a ``PageGroup`` of one.
public protocol PageRegistering: Sendable {
    /// The group whose path and frames the pages get.
    var pageGroup: PageGroup { get }
}

/// Pages of an app below one path, with a frame around each: a menu of their own, a heading, tabs.
///
/// ```swift
/// let reports = app.pageGroup("/reports", name: "Reports") { page, visit in
///     html.Section([html.H2("Reports"), html.Div(page)])
/// }
/// reports.page("/", layout: "Choose a report.")
/// reports.page("/<id>") { visit in html.P("Report \(visit["id"] ?? "")") }
/// ```
public struct PageGroup: PageRegistering {
    /// The path that those of the pages begin with; `/` for the app itself.
    public let path: String
    /// The names of the group and of those around it, the outermost first.
    public let names: [String]
    let frames: [PageLayout.Frame]
    let app: DashApp

    /// The group itself.
    public var pageGroup: PageGroup { self }

    /// A path of the group's as the app knows it.
    func joined(_ other: String) -> String {
        // Without its slash it is a finding, and is told as it was written.
        if path == "/" || !other.hasPrefix("/") { return other }
        return other == "/" ? path : path + other
    }
}

extension DashApp: PageRegistering {
    /// The pages without a group.
    public var pageGroup: PageGroup { PageGroup(path: "/", names: [], frames: [], app: self) }
}

extension PageRegistering {
    /// Pages below one path, without a frame around them.
    ///
    /// - Parameters:
    ///   - path: What the paths of the pages begin with: `/reports`. It may have variables.
    ///   - name: The group's name, for ``DashPage/groups``.
    public func pageGroup(_ path: String, name: String? = nil) -> PageGroup {
        let outer = pageGroup
        let names = outer.names + (name.map { [$0] } ?? [])
        return PageGroup(path: outer.joined(path), names: names, frames: outer.frames, app: outer.app)
    }

    /// Pages below one path, with a frame around each.
    ///
    /// - Parameters:
    ///   - path: What the paths of the pages begin with: `/reports`. It may have variables.
    ///   - name: The group's name, for ``DashPage/groups``.
    ///   - frame: Puts the content of a page into what all pages of the group have.
    public func pageGroup(
        _ path: String,
        name: String? = nil,
        frame:
            @escaping @Sendable (_ content: any Renderable, _ visit: PageVisit) async throws -> any Renderable
    ) -> PageGroup {
        let plain = pageGroup(path, name: name)
        return PageGroup(path: plain.path, names: plain.names, frames: [frame] + plain.frames, app: plain.app)
    }
}
