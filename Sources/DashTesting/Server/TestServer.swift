import Dash
import DashJSON
import Jobs
import Synchronization

/// A site that is asked by the pages of one test, and what runs for that.
final class TestServer: Sendable {
    /// Something that was asked for and not answered yet.
    struct Flight: Sendable {
        /// Whether the answer may take as long as a job does.
        var isPoll: Bool
        var page: ObjectIdentifier?
    }

    private struct State {
        var flights: [Int: Flight] = [:]
        var lastFlight = 0
        var pages: [WeakPage] = []
    }

    struct WeakPage: Sendable {
        weak var page: TestPage?
    }

    let options: TestOptions
    let executor = TestExecutor()
    let jobs: InProcessJobs
    private let site: InProcessSite
    private let state = Mutex(State())
    private let work: AsyncStream<@Sendable () async -> Void>
    private let feed: AsyncStream<@Sendable () async -> Void>.Continuation

    /// - Throws: `DashError` with code `findings` for mistakes in the apps.
    init(_ site: DashSite, _ options: TestOptions) throws {
        self.options = options
        jobs = InProcessJobs(site, options: options, executor: executor)
        (work, feed) = AsyncStream.makeStream()
        self.site = try InProcessSite(
            site,
            executor: executor,
            jobs: jobs,
            clock: ManagerClock(clock: options.clock),
            fleet: TestFleet()
        )
        options.clock.onWait { [executor] in executor.touch() }
    }

    /// Serves while a test runs.
    func serve<Result>(_ test: () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: executor) { [site] in try await site.run() }
            group.addTask(executorPreference: executor) { await self.runWork() }
            defer { feed.finish() }
            let result: Result
            do {
                result = try await test()
            } catch {
                group.cancelAll()
                while await group.nextResult() != nil {}
                throw error
            }
            group.cancelAll()
            while await group.nextResult() != nil {}
            return result
        }
    }

    private func runWork() async {
        await withDiscardingTaskGroup { group in
            for await item in work { group.addTask(executorPreference: executor) { await item() } }
            group.cancelAll()
        }
    }

    /// Runs something among what the server runs, as long as the test does.
    func run(_ item: @escaping @Sendable () async -> Void) { feed.yield(item) }

    /// Asks the site, by the test's clock.
    func ask(
        _ method: String,
        _ path: String,
        headers: [(name: String, value: String)],
        body: [UInt8] = [],
        as flight: Flight
    ) async -> InProcessSite.Answer {
        // A poll waits for its job, by no clock of its own.
        if flight.isPoll {
            return await flying(flight) { _ in await site.respond(method, path, headers: headers, body: body) }
        }
        return await withTaskExecutorPreference(executor) {
            await flying(flight) { number in
                await TestClock.$sleeper.withValue(.request(number)) {
                    await CallbackContext.$currentClock.withValue(options.clock) {
                        await site.respond(method, path, headers: headers, body: body)
                    }
                }
            }
        }
    }

    /// Does something that the test has to wait for.
    func flying<Result>(_ flight: Flight, _ fly: (Int) async -> Result) async -> Result {
        let number = state.withLock { state in
            state.lastFlight += 1
            state.flights[state.lastFlight] = flight
            return state.lastFlight
        }
        defer { state.withLock { $0.flights[number] = nil } }
        return await fly(number)
    }

    /// What is on its way.
    var flights: [Int: Flight] { state.withLock { $0.flights } }

    /// A page whose intervals tick when the clock moves.
    func add(_ page: TestPage) { state.withLock { $0.pages.append(WeakPage(page: page)) } }

    /// The pages of the test that somebody still has.
    var pages: [TestPage] { state.withLock { $0.pages.compactMap(\.page) } }
}
