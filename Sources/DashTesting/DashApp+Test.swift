public import Dash

extension DashApp {
    /// Tests the app without a socket and without a browser: its own server answers, and the test is the page.
    ///
    /// ```swift
    /// @Test func greets() async throws {
    ///     try await app.test { page in
    ///         try await page.set(name.value, "Ada")
    ///         #expect(page[greeting.children] == "Hello, Ada")
    ///     }
    /// }
    /// ```
    ///
    /// Jobs run in the test's process, in memory, and end with the test. Sessions, owners and handles are the real ones.
    ///
    /// - Parameters:
    ///   - options: Who visits it, and what stands in for what a test has none of.
    ///   - test: Gets the page when the callbacks of its load have run.
    /// - Returns: What `test` returns.
    /// - Throws: `DashError` with code `findings` for mistakes in the app, which it would not start with; ``TestError`` with
    ///   code `load`; the error of a callback at load; what `test` throws.
    @discardableResult
    public func test<Result>(
        _ options: TestOptions = TestOptions(),
        _ test: (_ page: TestPage) async throws -> Result
    ) async throws -> Result {
        let site = DashSite()
        site.mount(self, at: "/")
        return try await site.test(at: "/", options, test)
    }
}

extension DashSite {
    /// Tests one of the site's apps; the test's page can go to the others.
    ///
    /// ```swift
    /// try await site.test(at: "/reports/") { page in … }
    /// ```
    ///
    /// - Parameters:
    ///   - path: The path at which the app is mounted.
    ///   - options: Who visits it, and what stands in for what a test has none of.
    ///   - test: Gets the page when the callbacks of its load have run.
    /// - Returns: What `test` returns.
    /// - Throws: As `DashApp.test`.
    @discardableResult
    public func test<Result>(
        at path: String,
        _ options: TestOptions = TestOptions(),
        _ test: (_ page: TestPage) async throws -> Result
    ) async throws -> Result {
        let server = try TestServer(self, options)
        let appPath = path.hasSuffix("/") ? path : path + "/"
        let first = options.path.hasPrefix("/") ? String(options.path.dropFirst()) : options.path
        let location = PageAddress(appPath + first)
        let browser = TestBrowser(cookies: options.cookies, headers: options.headers)
        return try await server.serve {
            let page = TestPage(server, browser: browser, appPath: appPath, location: location)
            try await page.load(location)
            try await page.rest()
            return try await test(page)
        }
    }
}
