/// A registry of pages: a ``DashApp``, or a ``PageGroup``.
public protocol PageRegistering: Sendable {
    /// The group that adds its path and frames to the pages.
    var pageGroup: PageGroup { get }
}

/// Pages of an app below one path, with a common frame such as a menu, a heading or tabs.
///
/// ```swift
/// let reports = app.pageGroup("/reports", name: "Reports") { page, visit in
///     html.Section([html.H2("Reports"), html.Div(page)])
/// }
/// reports.page("/", layout: "Choose a report.")
/// reports.page("/<id>") { visit in html.P("Report \(visit["id"] ?? "")") }
/// ```
public struct PageGroup: PageRegistering {
    /// The common prefix of the pages' paths; `/` for the app itself.
    public let path: String
    /// The names of the group and the groups around it, the outermost first.
    public let names: [String]
    let frames: [PageContent.Frame]
    let app: DashApp

    /// This group.
    public var pageGroup: PageGroup { self }

    /// A path of the group, relative to the app's.
    func joined(_ other: String) -> String {
        // A path without a slash is reported as it was written.
        if path == "/" || !other.hasPrefix("/") { return other }
        return other == "/" ? path : path + other
    }
}

extension DashApp: PageRegistering {
    /// The group of the pages without a group.
    public var pageGroup: PageGroup { PageGroup(path: "/", names: [], frames: [], app: self) }
}

extension PageRegistering {
    /// Creates a group of pages below one path, without a frame.
    ///
    /// - Parameters:
    ///   - path: The prefix of the pages' paths, such as `/reports`. It may have variables.
    ///   - name: The group's name, for ``DashPage/groups``.
    public func pageGroup(_ path: String, name: String? = nil) -> PageGroup {
        let outer = pageGroup
        let names = outer.names + (name.map { [$0] } ?? [])
        return PageGroup(path: outer.joined(path), names: names, frames: outer.frames, app: outer.app)
    }

    /// Creates a group of pages below one path, with a frame.
    ///
    /// See ``pageGroup(_:name:)``.
    ///
    /// `frame` returns the content of a page inside the group's frame.
    public func pageGroup(
        _ path: String,
        name: String? = nil,
        frame: @escaping @Sendable (_ content: any Renderable, _ visit: PageVisit) async throws -> any Renderable
    ) -> PageGroup {
        let plain = pageGroup(path, name: name)
        return PageGroup(path: plain.path, names: plain.names, frames: [frame] + plain.frames, app: plain.app)
    }
}

extension PageRegistering {
    /// Adds a page with constant content.
    ///
    /// ```swift
    /// app.page("/", name: "Home", layout: html.H1("Welcome"))
    /// app.page("/monthly-report", order: 2, redirectFrom: ["/old-report"], layout: html.H1("The month"))
    /// ```
    ///
    /// - Parameters:
    ///   - path: The path relative to the app or group: `/`, `/reports/2026`, or with variables `/reports/<id>`. A
    ///     variable matches one or more characters between two slashes. Exact paths take precedence over paths with
    ///     variables, which are matched in the order of ``DashApp/pages``.
    ///   - pathTemplate: The path with variables, if links should use `path` instead.
    ///   - name: The name for links; by default derived from the path: `Monthly report`.
    ///   - order: The page's position in ``DashApp/pages``; pages without one come last, in the order of registration.
    ///   - title: The title of the browser tab; by default the app's, or the page's name if the app has none.
    ///   - description: The description for search engines and link previews; by default ``PageOptions/description``.
    ///   - image: A file of the assets, for link previews. By default the one named like the page's path, then
    ///     `app.png` or `logo.png`, also with the extensions of other image formats.
    ///   - imageURL: The address of an external image, instead of `image`.
    ///   - redirectFrom: Earlier paths of the page, which redirect to it permanently.
    ///   - layout: The content: a component, a text, or a list of these.
    ///   - file: The file of the declaration, for messages.
    ///   - line: The line of the declaration, for messages.
    public func page(
        _ path: String,
        pathTemplate: String? = nil,
        name: String? = nil,
        order: Double? = nil,
        title: PageText? = nil,
        description: PageText? = nil,
        image: String? = nil,
        imageURL: String? = nil,
        redirectFrom: [String] = [],
        layout: any Renderable,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let texts = DashPage.Texts(title: title, description: description, image: image, imageURL: imageURL)
        let location = SourceLocation(file: file, line: line)
        pageGroup.add(path, pathTemplate, name, order, texts, redirectFrom, .value(layout), location)
    }

    /// Adds a page whose content is built for each visit.
    ///
    /// ```swift
    /// app.page("/reports/<id>", title: .by { "Report \($0["id"] ?? "")" }) { visit in
    ///     html.H1("Report \(visit["id"] ?? ""), \(visit.query["page"] ?? "first") page")
    /// }
    /// ```
    ///
    /// See ``page(_:pathTemplate:name:order:title:description:image:imageURL:redirectFrom:layout:file:line:)``.
    ///
    /// `layout` builds the content. It is also called once before any visit, without variables. A thrown error is reported
    /// to the page as a server error; ``PageNotFound`` shows the not-found page.
    public func page(
        _ path: String,
        pathTemplate: String? = nil,
        name: String? = nil,
        order: Double? = nil,
        title: PageText? = nil,
        description: PageText? = nil,
        image: String? = nil,
        imageURL: String? = nil,
        redirectFrom: [String] = [],
        file: StaticString = #fileID,
        line: UInt = #line,
        layout: @escaping @Sendable (_ visit: PageVisit) async throws -> any Renderable
    ) {
        let texts = DashPage.Texts(title: title, description: description, image: image, imageURL: imageURL)
        let location = SourceLocation(file: file, line: line)
        pageGroup.add(path, pathTemplate, name, order, texts, redirectFrom, .function(layout), location)
    }
}

extension PageGroup {
    fileprivate func add(
        _ path: String,
        _ pathTemplate: String?,
        _ name: String?,
        _ order: Double?,
        _ texts: DashPage.Texts,
        _ redirectFrom: [String],
        _ source: PageContent.Source,
        _ location: SourceLocation
    ) {
        let template = PathTemplate(joined(pathTemplate ?? path))
        app.addPage(
            DashPage(
                path: pathTemplate == nil ? template.path() : joined(path),
                pathTemplate: template.hasVariables ? template.text : nil,
                name: name ?? DashPage.name(of: template),
                order: order,
                redirectFrom: redirectFrom,
                groups: names,
                template: template,
                texts: texts.of(app),
                layout: PageContent(source: source, frames: frames),
                location: location,
                place: app.pageRegistry.place
            )
        )
    }
}

extension DashPage.Texts {
    /// The texts with the app's title, if it is not the default, as the fallback.
    func of(_ app: DashApp) -> DashPage.Texts {
        var texts = self
        texts.appTitle = app.title == DashApp.defaultTitle ? nil : app.title
        return texts
    }
}
