import Dash
import DashJSON
import Jobs
import Synchronization

/// A site that is asked by the pages of one test, and what runs for that.
final class TestServer: Sendable {
    /// Something that was asked for and not answered yet.
    struct PendingRequest: Sendable {
        /// Whether the answer may take as long as a job does.
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
            sharedState: TestSharedState()
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
        as request: PendingRequest
    ) async -> InProcessSite.Answer {
        // A poll waits for its job, by no clock of its own.
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

    /// Does something that the test has to wait for.
    func tracking<Result>(_ request: PendingRequest, _ body: (Int) async -> Result) async -> Result {
        let number = state.withLock { state in
            state.lastRequest += 1
            state.pendingRequests[state.lastRequest] = request
            return state.lastRequest
        }
        defer { state.withLock { $0.pendingRequests[number] = nil } }
        return await body(number)
    }

    /// What is on its way.
    var pendingRequests: [Int: PendingRequest] { state.withLock { $0.pendingRequests } }

    /// A page whose intervals tick when the clock moves.
    func add(_ page: TestPage) { state.withLock { $0.pages.append(WeakPage(page: page)) } }

    /// The pages of the test that somebody still has.
    var pages: [TestPage] { state.withLock { $0.pages.compactMap(\.page) } }
}

/// When there is nothing left to do but to wait for time.
extension TestServer {
    /// Waits until everything has been done that can be without the clock being moved: whatever else is on its way waits by
    /// the clock, or is a job.
    ///
    /// - Throws: `TestError` with code `patience`.
    func comeToRest() async throws {
        try await waiting(for: "A callback") {
            let sleepers = self.options.clock.sleepers
            return self.pendingRequests.allSatisfy { $0.value.isPoll || sleepers.contains(.request($0.key)) }
        }
    }

    /// Waits until something is so, as long as there is activity within the test's patience.
    func waiting(for what: String, _ isSo: () -> Bool) async throws {
        var generation = await executor.idle()
        while !isSo() {
            try await activity(after: generation, what)
            generation = await executor.idle()
        }
    }

    /// Waits for activity that comes from elsewhere: the network, other threads.
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

    /// The next moment at which a callback, a job or the job manager goes on; nil if none of them waits by the clock.
    ///
    /// The manager counts where no job is running: it may be the next attempt of one that is waited for.
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

extension TestError {
    fileprivate static func impatient(_ what: String, _ patience: Duration) -> TestError {
        TestError(
            .patience,
            """
            \(what) has not ended within \(patience) of real time, and does not wait by the test's clock. What it waits for \
            must come, or TestOptions.patience must be longer; let it wait with ctx.sleep(for:), which takes no time in a test.
            """
        )
    }
}
