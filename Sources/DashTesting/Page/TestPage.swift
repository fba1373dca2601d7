import Dash
package import DashJSON
import Synchronization

/// A page of an app as a person has it before them, without a browser: what it shows can be read, and it can be clicked and
/// typed into.
///
/// ```swift
/// try await app.test { page in
///     try await page.type("Ada", into: name)
///     try await page.click(greet)
///     #expect(page[greeting.children] == "Hello, Ada")
/// }
/// ```
///
/// Every action returns when the page has come to rest: when all that follows from it has been done that takes no time. A job
/// that waits by the clock goes on when the test moves it, by ``settle()``, ``advance(by:)`` or ``until(_:_:)``. An action
/// throws the first error of a callback that came since the last one.
public final class TestPage: Sendable {
    struct State {
        /// Changes with each load; what belongs to an earlier one is forgotten.
        var load = 0
        var renderer: Renderer?
        var endID = ""
        var prefix = "/"
        var title = ""
        var csrf: (cookie: String, header: String) = ("", "")
        var location: PageAddress
        /// What `dcc.Store` keeps with `storage_type="session"`.
        var storage: [String: JSON] = [:]
        var mounted: [ComponentID: MountedComponent] = [:]
        /// The edition of the layout whose components these are.
        var mountedEdition = 0
        /// What was typed into components that tell it later.
        var typed: [ComponentID: JSON] = [:]
        var downloads: [Download] = []
        var notices: [String] = []
        var errors: [TestError] = []
        /// The bodies of all requests to run callbacks.
        var sent: [JSON] = []
        /// How many of the errors have been thrown.
        var thrown = 0
        /// Where a callback has sent the browser.
        var destination: PageAddress?
    }

    let server: TestServer
    let browser: TestBrowser
    /// The path of the app, with a slash at both ends.
    let appPath: String
    let state: Mutex<State>

    init(_ server: TestServer, browser: TestBrowser, appPath: String, location: PageAddress) {
        self.server = server
        self.browser = browser
        self.appPath = appPath
        state = Mutex(State(location: location))
        server.add(self)
    }

    /// The test's clock.
    public var clock: TestClock { server.options.clock }

    /// Every error of the page's callbacks, those that were thrown too.
    public var errors: [TestError] { state.withLock { $0.errors } }

    /// The sentences that the page shows in a corner: of jobs that ended without a result.
    public var notices: [String] { state.withLock { $0.notices } }

    /// The title of the browser's tab.
    public var title: String { state.withLock { $0.title } }

    /// Whether callbacks or jobs of the page are on their way.
    public var isBusy: Bool { state.withLock { $0.renderer?.isBusy ?? false } }

    /// The bodies of the page's requests to run callbacks, in order; polls are not among them.
    package var sentBodies: [JSON] { state.withLock { $0.sent } }

    /// How many jobs of the page are on their way.
    public var runningJobs: Int { state.withLock { $0.renderer?.jobs.values.count { !$0.isOutdated } ?? 0 } }
}

// MARK: - Changes

extension TestPage {
    /// Changes the page, lets components and callbacks follow, and does what they want.
    ///
    /// - Parameter load: The load that the change belongs to; nothing happens if it is over. Nil is the present one.
    /// - Returns: what `change` returns; nil if nothing happened.
    @discardableResult
    func change<Result: Sendable>(
        of load: Int? = nil,
        _ change: (inout Renderer) -> Result
    ) -> Result? {
        let (result, effects, number, destination) = state.withLock { state in
            guard let result = state.apply(change, of: load) else {
                return (Result?.none, [Renderer.Effect](), 0, PageAddress?.none)
            }
            let effects = state.follow(browser, now: server.options.clock.now)
            defer { state.destination = nil }
            return (result, effects, state.load, state.destination)
        }
        for effect in effects { perform(effect, of: number) }
        if let destination { server.run { await self.goThere(destination) } }
        return result
    }

    private func goThere(_ destination: PageAddress) async {
        let flight = TestServer.Flight(isPoll: false)
        await server.flying(flight) { _ in
            do {
                try await load(destination)
            } catch {
                note(error as? TestError ?? TestError(.load, "\(destination) could not be loaded", cause: error))
            }
        }
    }

    func note(_ error: TestError) { state.withLock { $0.errors.append(error) } }

    /// Waits until the page is at rest.
    ///
    /// - Throws: the first error that was not thrown yet.
    func rest() async throws {
        try await server.comeToRest()
        try throwNewErrors()
    }

    private func throwNewErrors() throws {
        let new = state.withLock { state in
            defer { state.thrown = state.errors.count }
            return Array(state.errors[state.thrown...])
        }
        guard let first = new.first else { return }
        guard new.count > 1 else { throw first }
        let others = new.dropFirst().map(\.description).joined(separator: "\n")
        throw TestError(first.code, "\(first.message)\nAnd \(new.count - 1) more:\n\(others)", cause: first.cause)
    }
}

extension TestPage.State {
    fileprivate mutating func apply<Result>(_ change: (inout Renderer) -> Result, of load: Int?) -> Result? {
        guard var renderer, load == nil || load == self.load else { return nil }
        self.renderer = nil
        defer { self.renderer = renderer }
        return change(&renderer)
    }

    /// Lets components react and callbacks start until there is nothing more to start.
    ///
    /// - Returns: what has to be done outside.
    fileprivate mutating func follow(_ browser: TestBrowser, now: TestClock.Instant) -> [Renderer.Effect] {
        guard var renderer else { return [] }
        var outside: [Renderer.Effect] = []
        while true {
            react(&renderer, browser, now)
            renderer.advance()
            let effects = renderer.takeEffects()
            if effects.isEmpty { break }
            for effect in effects {
                guard case .changed(let id, let properties, let isByCallback) = effect else {
                    outside.append(effect)
                    continue
                }
                react(to: properties, of: id, isByCallback: isByCallback, &renderer, browser, now)
            }
        }
        errors += renderer.errors
        renderer.errors = []
        self.renderer = renderer
        return outside
    }
}
