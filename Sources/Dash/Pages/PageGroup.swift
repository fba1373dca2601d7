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

extension PageRegistering {
    /// Adds a page that looks the same at every visit.
    ///
    /// ```swift
    /// app.page("/", name: "Home", layout: html.H1("Welcome"))
    /// app.page("/monthly-report", order: 2, redirectFrom: ["/old-report"], layout: html.H1("The month"))
    /// ```
    ///
    /// - Parameters:
    ///   - path: The path below the app's, or the group's, own: `/`, `/reports/2026`, or with variables `/reports/<id>`. A
    ///     variable stands for one sign or more between two slashes. An exact path goes before one with variables, and of
    ///     several with variables the one before in the order.
    ///   - pathTemplate: The paths with variables that lead to the page, where `path` is the one that links should have.
    ///   - name: The name for links; by default made of the path: `Monthly report`.
    ///   - order: The page's place in ``DashApp/pages``; those without one come last, in the order in which they were added.
    ///   - title: The title of the browser's tab; by default the app's, or the page's name if the app has none.
    ///   - description: For search engines and previews of links; by default ``PageOptions/description``.
    ///   - image: A file of the assets, for previews of links. By default the one named like the page's path, then
    ///     `app.png` or `logo.png`; other kinds of images too.
    ///   - imageURL: The address of an image elsewhere, in place of `image`.
    ///   - redirectFrom: Paths that the page had once: their visitors are sent on to it for good.
    ///   - layout: What the page shows: a component, a text, or a list of these.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
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

    /// Adds a page that is made anew for each visit.
    ///
    /// ```swift
    /// app.page("/reports/<id>", title: .by { "Report \($0["id"] ?? "")" }) { visit in
    ///     html.H1("Report \(visit["id"] ?? ""), \(visit.query["page"] ?? "first") page")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - path: The path below the app's, or the group's, own: `/`, `/reports/2026`, or with variables `/reports/<id>`. A
    ///     variable stands for one sign or more between two slashes. An exact path goes before one with variables, and of
    ///     several with variables the one before in the order.
    ///   - pathTemplate: The paths with variables that lead to the page, where `path` is the one that links should have.
    ///   - name: The name for links; by default made of the path: `Monthly report`.
    ///   - order: The page's place in ``DashApp/pages``; those without one come last, in the order in which they were added.
    ///   - title: The title of the browser's tab; by default the app's, or the page's name if the app has none.
    ///   - description: For search engines and previews of links; by default ``PageOptions/description``.
    ///   - image: A file of the assets, for previews of links. By default the one named like the page's path, then
    ///     `app.png` or `logo.png`; other kinds of images too.
    ///   - imageURL: The address of an image elsewhere, in place of `image`.
    ///   - redirectFrom: Paths that the page had once: their visitors are sent on to it for good.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    ///   - layout: Makes what the page shows. It is also asked once before anybody visits the page, with a visit that has
    ///     no variables. What it throws is told the page as an error of the server; ``PageNotFound`` shows the page for
    ///     what is not found.
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
        _ source: PageLayout.Source,
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
                layout: PageLayout(source: source, frames: frames),
                location: location,
                place: app.pageRegistry.place
            )
        )
    }
}

extension DashPage.Texts {
    /// The same in an app: its own title, if it has one, is that of pages without one.
    func of(_ app: DashApp) -> DashPage.Texts {
        var texts = self
        texts.appTitle = app.title == DashApp.defaultTitle ? nil : app.title
        return texts
    }
}
