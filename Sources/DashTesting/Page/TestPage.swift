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
    struct State {
        /// Incremented with each load; results of earlier loads are ignored.
        var load = 0
        var renderer: Renderer?
        var endID = ""
        var prefix = "/"
        var title = ""
        var csrf: (cookie: String, header: String) = ("", "")
        var location: PageAddress
        /// The data of each `dcc.Store` with `storage_type="session"`.
        var storage: [String: JSON] = [:]
        var mounted: [ComponentID: MountedComponent] = [:]
        /// The layout's edition when components were last mounted.
        var mountedEdition = 0
        /// Text typed into components that report it later.
        var typed: [ComponentID: JSON] = [:]
        var downloads: [Download] = []
        var notices: [String] = []
        var errors: [TestError] = []
        /// The bodies of all callback requests.
        var sent: [JSON] = []
        /// The number of errors already thrown.
        var thrown = 0
        /// The address to which a callback has sent the browser.
        var destination: PageAddress?
    }

    let server: TestServer
    let browser: TestBrowser
    /// The app's path, with a slash at both ends.
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

    /// All errors of the page's callbacks, including those already thrown.
    public var errors: [TestError] { state.withLock { $0.errors } }

    /// The notices that the page shows: sentences on failed jobs.
    public var notices: [String] { state.withLock { $0.notices } }

    /// The title of the browser's tab.
    public var title: String { state.withLock { $0.title } }

    /// Whether callbacks or jobs of the page are pending.
    public var isBusy: Bool { state.withLock { $0.renderer?.isBusy ?? false } }

    /// The bodies of the page's callback requests in order, without polls.
    package var sentBodies: [JSON] { state.withLock { $0.sent } }

    /// The number of the page's running jobs.
    public var runningJobs: Int { state.withLock { $0.renderer?.jobs.values.count { !$0.isOutdated } ?? 0 } }
}

// MARK: - Changes

extension TestPage {
    /// Changes the page, and runs the reactions of components and callbacks.
    ///
    /// - Parameter load: The load that the change belongs to; a change of an earlier load is ignored. Nil for the
    ///   current load.
    /// - Returns: What `change` returns; nil if the change is ignored.
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
        let request = TestServer.PendingRequest(isPoll: false)
        await server.tracking(request) { _ in
            do {
                try await load(destination)
            } catch {
                note(error as? TestError ?? TestError(.load, "\(destination) could not be loaded", cause: error))
            }
        }
    }

    func note(_ error: TestError) { state.withLock { $0.errors.append(error) } }

    /// Waits until the page is idle.
    ///
    /// - Throws: The first error not thrown yet.
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

    /// Runs reactions of components and starts callbacks until no more can start.
    ///
    /// - Returns: Effects to perform without the lock.
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
        let generation = await server.executor.idle()
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

    private var ownNextTick: Duration? {
        state.withLock { state in
            guard let layout = state.renderer?.layout else { return nil }
            return state.mounted.compactMap { id, component in
                let props = layout.component(id)?["props"] ?? .null
                return MountedComponent.ticks(props) ? component.nextTick : nil
            }
            .min()
        }
    }

    /// Ticks the intervals that are due.
    private func tick(at time: Duration) {
        let due = state.withLock { state -> [ComponentID] in
            guard let layout = state.renderer?.layout else { return [] }
            var due: [ComponentID] = []
            for (id, component) in state.mounted {
                guard let next = component.nextTick, next <= time, let props = layout.component(id)?["props"] else {
                    continue
                }
                state.mounted[id]?.nextTick = time + MountedComponent.period(of: props)
                if MountedComponent.ticks(props) { due.append(id) }
            }
            return due.sorted { $0.text < $1.text }
        }
        guard !due.isEmpty else { return }
        change { renderer in
            for id in due {
                let count = renderer.layout.component(id)?["props"]["n_intervals"].intValue ?? 0
                renderer.set(id, [("n_intervals", .int(count + 1))])
            }
        }
    }
}
