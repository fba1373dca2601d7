/// The rules for what an app's page and assets are set to.
enum OptionRules {
    static func sentences(page: PageOptions, assets: AssetsOptions) -> [String] {
        template(page) + headers(page) + patterns(assets)
    }

    private static func template(_ page: PageOptions) -> [String] {
        guard let template = page.template else { return [] }
        let missing = IndexPage.neededPlaces.filter { !template.contains("{%\($0)%}") }.map { "{%\($0)%}" }
        if missing.isEmpty { return [] }
        return [
            "app.page.template has no \(missing.joined(separator: ", ")): put it where it belongs, or the app never starts."
        ]
    }

    private static func headers(_ page: PageOptions) -> [String] {
        guard page.csrfCookie.isEmpty || page.csrfHeader.isEmpty else { return [] }
        return ["app.page.csrfCookie or csrfHeader is empty: give it the name that the check of your middleware has."]
    }

    private static func patterns(_ assets: AssetsOptions) -> [String] {
        (assets.ignoreFolders + [assets.ignore].compactMap(\.self)).compactMap { pattern in
            if (try? Regex(pattern)) != nil { return nil }
            return "“\(pattern)” in app.assets is no regular expression."
        }
    }
}
