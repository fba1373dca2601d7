public import Dash
public import DashJSON

/// How an app is tested: who visits it, with which cookies, and what stands in for what a test has none of.
///
/// ```swift
/// var options = TestOptions()
/// options.headers["x-user"] = "mia"
/// options.clientside(loud.children) { values in .string((values[0].stringValue ?? "").uppercased()) }
/// try await app.test(options) { page in … }
/// ```
public struct TestOptions: Sendable {
    typealias RemoteTask = @Sendable ([JSON]) async throws -> JSON
    typealias StandIn = @Sendable ([JSON]) async throws -> JSON

    /// What happens when a function of the browser is to run that has no stand-in.
    public enum MissingClientside: Sendable {
        /// It is an error of the page, with a sentence that says how to give a stand-in.
        case fails
        /// Its outputs stay as they are.
        case skipped
    }

    /// The cookies that the browser has before it comes, by name.
    public var cookies: [String: String] = [:]
    /// Headers that each of its requests has, by name: of a proxy that says who the user is, for example.
    public var headers: [String: String] = [:]
    /// The path and query of the first page, below the app's own.
    public var path = "/"
    /// The time of callbacks and jobs.
    public var clock = TestClock()
    /// How long, in real time, the test waits for a callback or a job that does not wait by the ``clock``, but for the
    /// network, say.
    public var patience: Duration = .seconds(10)
    /// How many jobs run at the same time; further ones wait.
    public var concurrentJobs = 8
    /// What happens when a function of the browser has no stand-in.
    public var missingClientside = MissingClientside.fails
    var standIns: [String: StandIn] = [:]
    var namedStandIns: [String: StandIn] = [:]
    var remoteTasks: [String: RemoteTask] = [:]

    /// A browser that has never been here.
    public init() {}

    /// Gives a stand-in for the function of the browser that writes a property.
    ///
    /// - Parameters:
    ///   - property: The output, or one of the outputs, of the callback.
    ///   - standIn: Gets the values of inputs and states in order, and returns the value of the output, or a list of them
    ///     for several. It may throw `PreventUpdate`.
    public mutating func clientside<Value>(
        _ property: Prop<Value>,
        _ standIn: @escaping @Sendable (_ values: [JSON]) async throws -> JSON
    ) {
        standIns["\(property.id.text).\(property.name)"] = standIn
    }

    /// Gives a stand-in for a function of the assets, `window.dash_clientside[namespace][name]`.
    ///
    /// - Parameters:
    ///   - namespace: The object that it is in.
    ///   - name: Its name there.
    ///   - standIn: As for ``clientside(_:_:)``.
    public mutating func clientside(
        namespace: String,
        name: String,
        _ standIn: @escaping @Sendable (_ values: [JSON]) async throws -> JSON
    ) {
        namedStandIns["\(namespace).\(name)"] = standIn
    }

    /// Gives a stand-in for a task that other workers run (`celeryTask:`).
    ///
    /// - Parameters:
    ///   - name: The name of the task.
    ///   - standIn: Gets the values of inputs and states in order, and returns the value of the output, or a list of them
    ///     for several.
    public mutating func task(
        _ name: String,
        _ standIn: @escaping @Sendable (_ arguments: [JSON]) async throws -> JSON
    ) {
        remoteTasks[name] = standIn
    }
}

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
