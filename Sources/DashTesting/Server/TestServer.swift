import Dash
import DashJSON
import Jobs
import Synchronization

/// The site of a test, and its pending work.
final class TestServer: Sendable {
    /// A request without a response.
    struct PendingRequest: Sendable {
        /// Whether the response may take as long as a job.
        var isPoll: Bool
        var page: ObjectIdentifier?
    }

    private struct State {
        var pendingRequests: [Int: PendingRequest] = [:]
        var lastRequest = 0
        var pages: [WeakPage] = []
    }

    struct WeakPage: Sendable {
        weak var page: TestPage?
    }

    private let options: TestOptions
    private let executor = TestExecutor()
    private let jobs: InProcessJobs
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
            sharedState: LocalSharedState(hasCooldowns: false)
        )
        options.clock.onWait { [executor] in executor.touch() }
    }

    func serve<Result>(_ test: () async throws -> Result) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: executor) { [site] in try await site.run() }
            group.addTask(executorPreference: executor) { await self.runWork() }
            defer { feed.finish() }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await test()) } catch { result = .failure(error) }
            group.cancelAll()
            while await group.nextResult() != nil {}
            return try result.get()
        }
    }

    private func runWork() async {
        await withDiscardingTaskGroup { group in
            for await item in work { group.addTask(executorPreference: executor) { await item() } }
            group.cancelAll()
        }
    }

    /// Runs a closure as part of the server, until the test ends.
    func run(_ item: @escaping @Sendable () async -> Void) { feed.yield(item) }

    /// Sends a request to the site, with the test's clock.
    func ask(
        _ method: String,
        _ path: String,
        headers: [(name: String, value: String)],
        body: [UInt8] = [],
        as request: PendingRequest
    ) async -> InProcessSite.Answer {
        // A poll waits for its job, not on the clock.
        if request.isPoll {
            return await tracking(request) { _ in await site.respond(method, path, headers: headers, body: body) }
        }
        return await withTaskExecutorPreference(executor) {
            await tracking(request) { number in
                await TestClock.$sleeper.withValue(.request(number)) {
                    await CallbackContext.$currentClock.withValue(options.clock) {
                        await site.respond(method, path, headers: headers, body: body)
                    }
                }
            }
        }
    }

    /// The stand-in for a clientside function; one for the function's name takes precedence over one for an output.
    func standIn(for function: String, settingAnyOf outputs: [String]) -> TestOptions.StandIn? {
        options.namedStandIns[function] ?? outputs.lazy.compactMap { self.options.standIns[$0] }.first
    }

    /// Throws for a clientside function without a stand-in, unless the options say to skip it.
    func checkMissingStandIn(settingAllOf outputs: [String]) throws {
        if options.missingClientside == .skipped { return }
        throw TestError(
            .clientside,
            """
            \(outputs.joined(separator: ", ")) is set by a clientside function, and a test has no browser. Add a \
            stand-in, options.clientside(…) { values in … }, or skip it: options.missingClientside = .skipped.
            """
        )
    }

    /// Registers work that the test has to wait for.
    func tracking<Result>(_ request: PendingRequest, _ body: (Int) async -> Result) async -> Result {
        let number = state.withLock { state in
            state.lastRequest += 1
            state.pendingRequests[state.lastRequest] = request
            return state.lastRequest
        }
        defer { state.withLock { $0.pendingRequests[number] = nil } }
        return await body(number)
    }

    /// The requests without a response.
    var pendingRequests: [Int: PendingRequest] { state.withLock { $0.pendingRequests } }

    /// Adds a page; its intervals follow the clock.
    func add(_ page: TestPage) { state.withLock { $0.pages.append(WeakPage(page: page)) } }

    /// The pages that the test still refers to.
    var pages: [TestPage] { state.withLock { $0.pages.compactMap(\.page) } }
}

/// Waiting for idleness.
extension TestServer {
    /// The clock that the pages, callbacks and jobs share.
    var clock: TestClock { options.clock }

    /// Waits until nothing is left to run.
    ///
    /// - Returns: The argument for ``activity(after:_:)``.
    func idle() async -> Int { await executor.idle() }

    /// Waits until everything is done that can be without moving the clock: the remaining requests wait on the clock,
    /// or for a job.
    ///
    /// - Throws: `TestError` with code `patience`.
    func comeToRest() async throws {
        try await waiting(for: "A callback") {
            let sleepers = self.options.clock.sleepers
            return self.pendingRequests.allSatisfy { $0.value.isPoll || sleepers.contains(.request($0.key)) }
        }
    }

    /// Waits until a condition holds, as long as there is activity within the test's time limit.
    func waiting(for what: String, _ isSo: () -> Bool) async throws {
        var generation = await executor.idle()
        while !isSo() {
            try await activity(after: generation, what)
            generation = await executor.idle()
        }
    }

    /// Waits for activity from elsewhere: the network, other threads.
    func activity(after generation: Int, _ what: String) async throws {
        let (executor, patience) = (executor, options.patience)
        let isTimely = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await executor.activity(after: generation)
                return true
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        try Task.checkCancellation()
        guard isTimely else { throw TestError.impatient(what, patience) }
    }

    /// The next instant at which a callback, a job or the job manager continues; nil if none waits on the clock.
    ///
    /// The manager is included only if no job runs: its wait may be for a job's next attempt.
    var nextDeadline: Duration? {
        let running = jobs.running
        return options.clock.nextDeadline { sleeper in
            switch sleeper {
            case .manager: running.isEmpty
            case .request, .job, .other: true
            }
        }
    }
}
