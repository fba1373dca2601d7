public import Dash
public import DashJSON

/// The options of a test: the user's cookies and headers, and stand-ins for what a test does not have.
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

    /// What to do for a clientside function without a stand-in.
    public enum MissingClientside: Sendable {
        /// Fail with an error of the page that describes how to add a stand-in.
        case fails
        /// Leave its outputs unchanged.
        case skipped
    }

    /// The browser's initial cookies, by name.
    public var cookies: [String: String] = [:]
    /// Headers of each request, by name; for example, those of a proxy that identifies the user.
    public var headers: [String: String] = [:]
    /// The path and query of the first page, relative to the app.
    public var path = "/"
    /// The clock of callbacks and jobs.
    public var clock = TestClock()
    /// How long, in real time, the test waits for a callback or job that does not wait on the ``clock`` but, for
    /// example, on the network.
    public var patience: Duration = .seconds(10)
    /// The number of jobs that run at the same time; others wait.
    public var concurrentJobs = 8
    /// What to do for a clientside function without a stand-in.
    public var missingClientside = MissingClientside.fails
    var standIns: [String: StandIn] = [:]
    var namedStandIns: [String: StandIn] = [:]
    var remoteTasks: [String: RemoteTask] = [:]

    /// The options of a first visit.
    public init() {}

    /// Adds a stand-in for the clientside function that sets a property.
    ///
    /// - Parameters:
    ///   - property: An output of the callback.
    ///   - standIn: Receives the values of inputs and states in order, and returns the value of the output, or a list
    ///     of values for several outputs. May throw `PreventUpdate`.
    public mutating func clientside<Value>(
        _ property: Prop<Value>,
        _ standIn: @escaping @Sendable (_ values: [JSON]) async throws -> JSON
    ) {
        standIns["\(property.id.text).\(property.name)"] = standIn
    }

    /// Adds a stand-in for a function of the assets, `window.dash_clientside[namespace][name]`.
    ///
    /// - Parameters:
    ///   - namespace: The object that contains the function.
    ///   - name: The function's name in that object.
    ///   - standIn: As for ``clientside(_:_:)``.
    public mutating func clientside(
        namespace: String,
        name: String,
        _ standIn: @escaping @Sendable (_ values: [JSON]) async throws -> JSON
    ) {
        namedStandIns["\(namespace).\(name)"] = standIn
    }

    /// Adds a stand-in for a task that runs on other workers (`celeryTask:`).
    ///
    /// - Parameters:
    ///   - name: The task's name.
    ///   - standIn: Receives the values of inputs and states in order, and returns the value of the output, or a list
    ///     of values for several outputs.
    public mutating func task(
        _ name: String,
        _ standIn: @escaping @Sendable (_ arguments: [JSON]) async throws -> JSON
    ) {
        remoteTasks[name] = standIn
    }
}

extension DashApp {
    /// Tests the app without sockets or a browser: requests go to the app's own server, and the test acts as the page.
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
    /// Jobs run in the test's process, in memory, and are cancelled when the test ends. Sessions, owners and handles
    /// are real.
    ///
    /// - Parameters:
    ///   - options: The user's cookies and headers, and stand-ins.
    ///   - test: Receives the page after its initial callbacks have run.
    /// - Returns: What `test` returns.
    /// - Throws: `DashError` with code `findings` for errors that prevent the app's start; ``TestError`` with code
    ///   `load`; the error of an initial callback; what `test` throws.
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
    /// Tests one of the site's apps; the page can open the others.
    ///
    /// ```swift
    /// try await site.test(at: "/reports/") { page in … }
    /// ```
    ///
    /// - Parameters:
    ///   - path: The app's mount path.
    ///   - options: The user's cookies and headers, and stand-ins.
    ///   - test: Receives the page after its initial callbacks have run.
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
            let page = try await TestPage.open(server, browser, appPath: appPath, at: location)
            return try await test(page)
        }
    }
}
