import Foundation

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
