import DashJSON
import JobsConformance
import Testing

@testable import Jobs

@Suite("The rules of jobs")
struct JobRulesTests {
    private static let rules = JobRules(JobManagerConfiguration())

    @Test("lead to the states of the table", arguments: TransitionRow.all)
    func table(_ row: TransitionRow) {
        let (state, failure) = row.followedByRules()
        #expect(state == row.state)
        #expect(failure == row.failure)
    }

    private static func job(_ state: JobState, _ change: (inout JobFacts) -> Void = { _ in }) -> JobFacts {
        var job = JobFacts(JobRequest(name: "a", version: "1", cache: CacheStore(key: CacheKey("k"))))
        (job.state, job.attempt, job.fence) = (state, 1, state == .running || state == .cancelling ? "f" : nil)
        change(&job)
        return job
    }

    @Test("a finished job can only be removed", arguments: JobState.allCases.filter(\.isFinished))
    func finished(_ state: JobState) {
        let job = Self.job(state)
        #expect(Self.rules.begin(job, fence: "g", version: .any) == nil)
        #expect(Self.rules.complete(job, .succeeded([49])) == nil)
        #expect(Self.rules.cancel(job, reason: "x") == nil)
        #expect(Self.rules.interrupt(job, by: .worker(nil)) == nil)
        #expect(Self.rules.merge(job, progress: [], props: []) == nil)
        #expect(Self.rules.checkVersion(job, .none) == nil)
        #expect(Self.rules.expire(job.id).guards == [.isOver(.removal(.seconds(3600)))])
    }

    @Test("writes of an attempt are guarded by its fence and the known state")
    func fenced() throws {
        let job = Self.job(.running)
        let transitions = [
            Self.rules.complete(job, .succeeded([49])), Self.rules.complete(job, .cancelled(killed: true)),
            Self.rules.complete(job, .shutDown), Self.rules.merge(job, progress: [], props: []),
            Self.rules.overflow(job, bytes: .max),
        ]
        for transition in transitions {
            let guards = try #require(transition).guards
            #expect(guards == [.attempt("f"), .state([.running]), .isNotStopped])
        }
    }

    @Test("a start is guarded by the limits and the known state of its key")
    func starts() throws {
        var request = JobRequest(name: "a", payload: [1, 2], owner: "ann", details: [3])
        let ceilings: [JobGuard] = [
            .isNew, .waitingJobs(below: 10_000), .inputBytes(adding: 3, atMost: 512 << 20),
            .unfinishedJobs(of: "ann", below: 1000),
        ]
        #expect(try Self.rules.start(request).guards == ceilings)
        let key = CacheKey("k")
        request.cache = CacheStore(key: key, reuseCached: true)
        #expect(try Self.rules.start(request).guards == ceilings + [.isNotCached(key), .isFree(key)])
        #expect(try Self.rules.start(request, key: .taken).guards == ceilings + [.isTaken(key)])
        let hit = try Self.rules.start(request, key: .cached)
        #expect(hit.guards == ceilings + [.isCached(key)])
        #expect(hit.state == .succeeded)
        #expect(Self.rules.keyUse(after: .isFree(key)) == .taken)
        #expect(Self.rules.keyUse(after: .isNotCached(key)) == .cached)
        #expect(Self.rules.keyUse(after: .isTaken(key)) == .unknown)
        #expect(Self.rules.keyUse(after: .isNew) == nil)
    }

    @Test("every limit has an error message, other guards have none")
    func sentences() {
        let ceilings: [(JobGuard, JobsError.Code)] = [
            (.waitingJobs(below: 1), .busy), (.inputBytes(adding: 1, atMost: 1), .busy),
            (.unfinishedJobs(of: "ann", below: 1), .jobsPerOwner),
        ]
        for (one, code) in ceilings {
            let error = JobSentences.refusal(one, found: 17)
            #expect(error?.code == code)
            #expect(error?.message.contains("17") == true)
        }
        #expect(JobSentences.refusal(.isNew, found: 17) == nil)
    }

    @Test("a job whose code has changed fails as incompatible")
    func versions() throws {
        let job = Self.job(.queued)
        let begins = try #require(Self.rules.begin(job, fence: "g", version: .some("1")))
        #expect(begins.state == .running)
        #expect(begins.guards == [.state([.queued]), .name("a"), .version("1")])
        let changed = try #require(Self.rules.begin(job, fence: "g", version: .some("2")))
        #expect(changed.end?.failure?.kind == .incompatible)
        #expect(changed.end?.failure?.message.contains("has a different job “a”") == true)
        let gone = try #require(Self.rules.begin(job, fence: "g", version: .none))
        #expect(gone.end?.failure?.message.contains("no longer has a job “a”") == true)
    }

    @Test("a lost worker counts as an interruption; the fourth fails the job", arguments: 0...3)
    func interruptions(_ count: Int) throws {
        let job = Self.job(.running) { $0.interruptions = count }
        let transition = try #require(Self.rules.interrupt(job, by: .worker("w"), fence: "g"))
        #expect(transition.guards == [.attempt("f"), .state([.running]), .isGone(worker: "w")])
        #expect(transition.state == (count < 3 ? .running : .lost))
    }

    @Test("a server crash counts as a failed attempt, a trap in its own code as an interruption")
    func servers() throws {
        let job = Self.job(.running) { $0.retries = .upTo(1, backoff: .constant(.zero)) }
        let down = try #require(Self.rules.interrupt(job, by: .server))
        #expect(down.state == .queued)
        #expect(Self.rules.interrupt(Self.job(.running), by: .server)?.state == .lost)
        #expect(Self.rules.interrupt(Self.job(.running), by: .serverTrap)?.state == .queued)
        #expect(Self.rules.interrupt(Self.job(.running) { $0.interruptions = 3 }, by: .serverTrap)?.state == .lost)
        #expect(Self.rules.interrupt(Self.job(.cancelling), by: .server)?.state == .cancelled)
    }

    @Test("an outcome knows whether jobs with the same key share it")
    func shared() {
        #expect(JobEnd(.succeeded).isShared)
        #expect(!JobEnd(.cancelled).isShared)
        for kind: JobFailure.Kind in [.error, .tooLarge, .timedOut, .incompatible] {
            #expect(JobEnd(.failed, failure: JobFailure(kind: kind, code: "", message: "")).isShared)
        }
        for kind: JobFailure.Kind in [.crash, .lost, .startup, .storage] {
            #expect(!JobEnd(.failed, failure: JobFailure(kind: kind, code: "", message: "")).isShared)
        }
    }

    @Test("a result is cached by the job that computed it, not by followers")
    func caching() throws {
        let made = try #require(Self.rules.complete(Self.job(.running), .succeeded([49])))
        #expect(made.changes.contains { if case .cacheResult = $0 { true } else { false } })
        let follower = Self.job(.queued) { $0.isFollowing = true }
        let given = Self.rules.share(JobEnd(.succeeded, result: .of(.new)), with: follower)
        #expect(!given.changes.contains { if case .cacheResult = $0 { true } else { false } })
    }
}
