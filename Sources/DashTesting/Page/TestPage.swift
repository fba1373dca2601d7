import Dash
package import DashJSON
import Synchronization

/// A page of an app, without a browser: a test reads it, clicks and types.
///
/// ```swift
/// try await app.test { page in
///     try await page.type("Ada", into: name)
///     try await page.click(greet)
///     #expect(page[greeting.children] == "Hello, Ada")
/// }
/// ```
///
/// Every action returns when the page is idle: everything that results from it and takes no time is done. A job that
/// waits on the clock continues when the test moves it with ``settle()``, ``advance(by:)`` or ``until(_:_:)``. An
/// action throws the first error of a callback since the previous action.
public final class TestPage: Sendable {
    private let server: TestServer
    private let browser: TestBrowser
    private let connection: PageConnection
    /// The app's path, with a slash at both ends.
    private let appPath: String
    private let state: Mutex<PageState>

    init(_ server: TestServer, browser: TestBrowser, appPath: String, location: PageAddress) {
        self.server = server
        self.browser = browser
        self.appPath = appPath
        connection = PageConnection(server, browser)
        state = Mutex(PageState(location: location, browser: browser))
        server.add(self)
    }

    /// The test's clock.
    public var clock: TestClock { server.clock }

    /// All errors of the page's callbacks, including those already thrown.
    public var errors: [TestError] { state.withLock { $0.errors } }

    /// The notices that the page shows: sentences on failed jobs.
    public var notices: [String] { state.withLock { $0.notices } }

    /// The title of the browser's tab.
    public var title: String { state.withLock { $0.title } }

    /// The address shown by the browser.
    public var location: PageAddress { state.withLock { $0.location } }

    /// The files that callbacks have sent to the browser with a `dcc.Download`, in order.
    public var downloads: [Download] { state.withLock { $0.downloads } }

    /// The cookies of the page's browser, by name. Changes apply to the next request.
    public var cookies: [String: String] {
        get { browser.cookies }
        set { browser.cookies = newValue }
    }

    /// Whether callbacks or jobs of the page are pending.
    public var isBusy: Bool { state.withLock { $0.renderer?.isBusy ?? false } }

    /// The bodies of the page's callback requests in order, without polls.
    package var sentBodies: [JSON] { state.withLock { $0.sent } }

    /// The number of the page's running jobs.
    public var runningJobs: Int { state.withLock { $0.renderer?.jobs.values.count { !$0.isOutdated } ?? 0 } }

    /// Reads what the page shows; nil before its first load.
    func read<Value: Sendable>(_ body: (Renderer) throws -> Value) rethrows -> Value? {
        try state.withLock { try $0.renderer.map(body) }
    }

    /// A path of the site; without a leading slash, `path` is relative to the app.
    func absolute(_ path: String) -> String {
        path.hasPrefix("/") || path.contains("://") ? path : appPath + path
    }
}

// MARK: - Changes

extension TestPage {
    /// Changes the page, and runs the reactions of components and callbacks.
    ///
    /// - Parameter load: The load that the change belongs to; a change of an earlier load is ignored. Nil for the
    ///   current load.
    /// - Returns: What `change` returns; nil if the change is ignored.
    @discardableResult
    func change<Result: Sendable>(of load: Int? = nil, _ change: (inout Renderer) -> Result) -> Result? {
        let (result, effects, number, destination) = state.withLock { state in
            guard let result = state.apply(change, of: load) else {
                return (Result?.none, [Renderer.Effect](), 0, PageAddress?.none)
            }
            let effects = state.follow(now: server.clock.now)
            return (result, effects, state.load, state.takeDestination())
        }
        for effect in effects { perform(effect, of: number) }
        if let destination { server.run { await self.goThere(destination) } }
        return result
    }

    private func goThere(_ destination: PageAddress) async {
        let request = TestServer.PendingRequest(isPoll: false)
        await server.tracking(request) { _ in
            do {
                try await load(destination)
            } catch {
                note(error as? TestError ?? TestError(.load, "\(destination) could not be loaded", cause: error))
            }
        }
    }

    private func note(_ error: TestError) { state.withLock { $0.note(error) } }

    /// Keeps text typed into a component that reports it later.
    func hold(_ text: String, typedInto id: ComponentID) { state.withLock { $0.hold(text, typedInto: id) } }

    func takeTyped(in id: ComponentID) -> JSON? { state.withLock { $0.takeTyped(in: id) } }

    /// Changes the address without loading a page, and updates every `dcc.Location`.
    func move(to target: PageAddress) {
        let locations = state.withLock { $0.move(to: target) }
        change { renderer in
            for id in locations { renderer.set(id, target.properties) }
        }
    }

    /// Waits until the page is idle.
    ///
    /// - Throws: The first error not thrown yet.
    func rest() async throws {
        try await server.comeToRest()
        try throwNewErrors()
    }

    private func throwNewErrors() throws {
        let new = state.withLock { $0.takeNewErrors() }
        guard let first = new.first else { return }
        guard new.count > 1 else { throw first }
        let others = new.dropFirst().map(\.description).joined(separator: "\n")
        throw TestError(first.code, "\(first.message)\nAnd \(new.count - 1) more:\n\(others)", cause: first.cause)
    }
}

/// Passing time.
extension TestPage {
    /// The most steps of the clock, as a limit for endless waits.
    private static let mostSteps = 10_000

    /// Passes time until no callback and no job of the page is pending.
    ///
    /// Waits on the ``clock`` take no real time; other waits are limited by ``TestOptions/patience``.
    ///
    /// - Throws: The first error of a callback or a job; ``TestError`` with code `patience`.
    public func settle() async throws {
        try await rest()
        for _ in 0..<Self.mostSteps {
            guard isBusy else { return }
            try await step()
        }
        throw TestError(
            .patience,
            "The page does not settle: after \(Self.mostSteps) steps of the clock, callbacks or jobs still wait on it."
        )
    }

    /// Passes time until a condition holds.
    ///
    /// - Parameters:
    ///   - what: The condition's description, for the error message.
    ///   - isSo: The condition; evaluated whenever the page is idle.
    /// - Throws: ``TestError`` with code `condition` if nothing is left to run; otherwise as ``settle()``.
    public func until(_ what: String = "the condition", _ isSo: () throws -> Bool) async throws {
        try await rest()
        for _ in 0..<Self.mostSteps {
            if try isSo() { return }
            guard isBusy || nextTick != nil else { break }
            try await step()
        }
        throw TestError(
            .condition,
            "Not reached: \(what). The page shows: \(text.isEmpty ? "no text" : text.prefix(500).description)"
        )
    }

    /// Moves the clock: waiting callbacks and jobs continue and intervals tick, each at its time.
    ///
    /// - Parameter duration: The time to pass.
    /// - Throws: The first error of a callback or a job.
    public func advance(by duration: Duration) async throws {
        try await rest()
        let end = clock.now.offset + duration
        while let next = [clock.nextDeadline(), nextTick].compactMap(\.self).min(), next <= end {
            try await move(to: next)
        }
        clock.move(to: end)
        try await rest()
    }

    /// Moves the clock to the next deadline, or waits for other activity.
    private func step() async throws {
        let generation = await server.idle()
        let deadlines = [server.nextDeadline, nextTick].compactMap(\.self)
        if let next = deadlines.min() {
            try await move(to: next)
        } else if isBusy {
            try await server.activity(after: generation, "A job")
            try await rest()
        }
    }

    private func move(to time: Duration) async throws {
        clock.move(to: time)
        for page in server.pages { page.tick(at: time) }
        try await rest()
    }

    /// The next tick of an interval on any page.
    private var nextTick: Duration? { server.pages.compactMap(\.ownNextTick).min() }

    private var ownNextTick: Duration? { state.withLock { $0.nextTick } }

    /// Ticks the intervals that are due.
    private func tick(at time: Duration) {
        let due = state.withLock { $0.takeTicks(at: time) }
        guard !due.isEmpty else { return }
        change { renderer in
            for id in due {
                let count = renderer.layout.component(id)?["props"]["n_intervals"].intValue ?? 0
                renderer.set(id, [("n_intervals", .int(count + 1))])
            }
        }
    }
}

// MARK: - Effects

extension TestPage {
    private func perform(_ effect: Renderer.Effect, of load: Int) {
        switch effect {
        case .changed: break
        case .request(let outgoing):
            let order = state.withLock { $0.record(outgoing.body) }
            server.run { await self.send(outgoing, order: order, of: load) }
        case .clientside(let number, let outputs, let function, let arguments):
            server.run { await self.standIn(number, outputs, function, arguments, of: load) }
        }
    }

    /// Sends a call's request, and polls its job until it ends.
    ///
    /// - Parameter order: The number of the request on this page.
    private func send(_ outgoing: Renderer.Outgoing, order: Int, of load: Int) async {
        var (body, query, polls) = (outgoing.body, outgoing.query + "&order=\(order)", 0)
        while !Task.isCancelled {
            let endpoint = state.withLock { $0.endpoint }
            let answer = await connection.post(body, query, to: endpoint, isPoll: polls > 0)
            let json = (try? JSON(parsing: answer.body)) ?? .null
            let text = String(decoding: answer.body, as: UTF8.self)
            if answer.status >= 400, let notice = answer.headers.first(where: { $0.name == "x-dash-notice" }) {
                state.withLock { $0.show(notice.value, of: outgoing.call) }
            }
            let job = change(of: load) { renderer in
                renderer.take(status: answer.status, body: json, text: text, of: outgoing.call)
            }
            guard let job = job ?? nil else { return }
            polls += 1
            body = outgoing.bodyWithoutValues
            query = "&job=\(job)" + outgoing.repeatedQuery + "&n=\(polls)"
        }
    }

    private func standIn(
        _ number: Int,
        _ outputs: [String],
        _ function: String,
        _ arguments: [JSON],
        of load: Int
    ) async {
        let result: Result<JSON?, any Error> = await server.tracking(TestServer.PendingRequest(isPoll: false)) { _ in
            do {
                return .success(try await value(outputs, function, arguments))
            } catch is PreventUpdate {
                return .success(nil)
            } catch {
                return .failure(error)
            }
        }
        change(of: load) { $0.take(standIn: result, of: number) }
    }

    private func value(_ outputs: [String], _ function: String, _ arguments: [JSON]) async throws -> JSON? {
        if let standIn = server.standIn(for: function, settingAnyOf: outputs) { return try await standIn(arguments) }
        // The built-in function of multi-page apps.
        if outputs.contains("_pages_dummy.children") {
            if let title = arguments.first?["title"].stringValue { state.withLock { $0.setTitle(title) } }
            return nil
        }
        try server.checkMissingStandIn(settingAllOf: outputs)
        return nil
    }
}

// MARK: - Loading

extension TestPage {
    /// Opens an app in a browser, and waits until the page is idle.
    ///
    /// - Throws: `TestError` with code `load`, or the error of a callback.
    static func open(
        _ server: TestServer,
        _ browser: TestBrowser,
        appPath: String,
        at location: PageAddress
    ) async throws -> TestPage {
        let page = TestPage(server, browser: browser, appPath: appPath, location: location)
        try await page.load(location)
        try await page.rest()
        return page
    }

    /// Loads the page at an address, and runs its initial callbacks.
    ///
    /// - Throws: `TestError` with code `load`.
    func load(_ location: PageAddress) async throws {
        let page = try await connection.load(location)
        state.withLock { $0.begin(page) }
        change { $0.begin() }
    }

    /// Opens the app in another tab of the same browser, with the same cookies.
    ///
    /// - Parameter path: The path relative to the app.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newTab(_ path: String = "") async throws -> TestPage {
        try await Self.open(server, browser, appPath: appPath, at: PageAddress(absolute(path)))
    }

    /// Opens the app in another user's browser.
    ///
    /// - Parameters:
    ///   - path: The path relative to the app.
    ///   - cookies: The browser's cookies.
    ///   - headers: Headers of each request.
    /// - Throws: ``TestError`` with code `load`, or the error of a callback.
    public func newBrowser(
        _ path: String = "",
        cookies: [String: String] = [:],
        headers: [String: String] = [:]
    ) async throws -> TestPage {
        let browser = TestBrowser(cookies: cookies, headers: headers)
        return try await Self.open(server, browser, appPath: appPath, at: PageAddress(absolute(path)))
    }
}
