import Dash
import Synchronization

/// Where the browser is.
extension TestPage {
    /// The address that the browser shows.
    public var location: PageAddress { state.withLock { $0.location } }

    /// Goes to another address of the site, as by the address bar: the page is loaded anew.
    ///
    /// - Parameter path: The path with query and fragment; a relative one, without its first slash, is below the app's own.
    /// - Throws: ``TestError`` with code `load` where there is no page, or the error of a callback.
    public func open(_ path: String) async throws {
        try await load(PageAddress(absolute(path)))
        try await rest()
    }

    /// Loads the page anew at the address where it is. Jobs of the old one go on unseen.
    ///
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func reload() async throws {
        try await load(location)
        try await rest()
    }

    /// Goes to another address without loading a page, as a `dcc.Link` does: every `dcc.Location` follows.
    ///
    /// - Parameter path: The path with query and fragment; a relative one, without its first slash, is below the app's own.
    /// - Throws: The error of a callback.
    public func navigate(to path: String) async throws {
        try await follow(absolute(path), refreshes: false)
    }

    func follow(_ address: String, refreshes: Bool) async throws {
        let target = PageAddress(
            address.hasPrefix("#") || address.hasPrefix("?") ? location.pathname + address : address
        )
        if refreshes { return try await open(target.description) }
        move(to: target)
        try await rest()
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") || path.contains("://") ? path : appPath + path
    }

    private func move(to target: PageAddress) {
        let locations = state.withLock { state in
            state.location = target
            return state.mounted.filter { $0.value.kind == .location }.keys.sorted { $0.text < $1.text }
        }
        change { renderer in
            for id in locations { renderer.set(id, target.properties) }
        }
    }
}

/// Other pages of the same site.
extension TestPage {
    /// Opens the app in another tab of the same browser: the same cookies, another page.
    ///
    /// - Parameter path: The path below the app's own.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newTab(_ path: String = "") async throws -> TestPage {
        try await open(in: browser, path)
    }

    /// Opens the app in the browser of somebody else.
    ///
    /// - Parameters:
    ///   - path: The path below the app's own.
    ///   - cookies: The cookies that this browser has.
    ///   - headers: Headers that each of its requests has.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newBrowser(
        _ path: String = "",
        cookies: [String: String] = [:],
        headers: [String: String] = [:]
    ) async throws -> TestPage {
        try await open(in: TestBrowser(cookies: cookies, headers: headers), path)
    }

    private func open(in browser: TestBrowser, _ path: String) async throws -> TestPage {
        let location = PageAddress(absolute(path))
        let page = TestPage(server, browser: browser, appPath: appPath, location: location)
        try await page.load(location)
        try await page.rest()
        return page
    }

    /// The cookies of the page's browser, by name. Those that are set go with the next request.
    public var cookies: [String: String] {
        get { browser.cookies }
        set { browser.cookies = newValue }
    }
}
