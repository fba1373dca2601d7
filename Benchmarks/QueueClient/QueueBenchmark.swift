import Jobs
import JobsCelery
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The measurements of a manager of jobs on a queue. Only jobs that succeeded count; any other fails the run.
struct QueueBenchmark: Sendable {
    private let manager: any JobManager
    private let startingCallers = 16

    /// - Parameter manager: A manager that runs.
    init(manager: any JobManager) {
        self.manager = manager
    }

    /// Makes the manager of the queue that the environment names, with limits that are never reached.
    static func makeManager(logger: Logger) throws -> any JobManager {
        var options = CeleryManager.Options()
        options.queue = "swift"
        guard let celery = try CeleryManager.fromEnvironment(options) else {
            throw BenchmarkError("Set REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND.")
        }
        var configuration = JobManagerConfiguration()
        configuration.queueLimit = 1_000_000
        configuration.jobsPerOwner = 1_000_000
        let setup = JobBackendSetup(
            configuration: configuration,
            jobs: [JobDefinition(name: "noop", taskName: "fixture.noop", version: "1")],
            logger: logger
        )
        return try celery.makeManager(setup)
    }

    /// Starts jobs without waiting for their results; waits for all of them in the end.
    func started(_ count: Int) async throws -> Measurement {
        try await warmUp()
        let began = ContinuousClock.now
        let jobs = try await startAll(count)
        let measurement = Measurement(rate: Double(jobs.count) / seconds(since: began))
        for job in jobs { try await result(of: job) }
        return measurement
    }

    /// Each caller starts a job, waits for its result, and starts the next.
    func finished(_ count: Int, callers: Int) async throws -> Measurement {
        try await warmUp()
        let began = ContinuousClock.now
        let times = try await concurrently(callers) {
            var times: [Double] = []
            for _ in 0..<(count / callers) {
                let began = ContinuousClock.now
                try await result(of: start())
                times.append((ContinuousClock.now - began) / .milliseconds(1))
            }
            return times
        }
        return Measurement(rate: Double(times.count) / seconds(since: began), milliseconds: times.sorted())
    }

    /// Fills the queue and watches a worker work it off, between a tenth and nine tenths of it.
    func filled(_ count: Int) async throws -> Measurement {
        let jobs = try await startAll(count)
        print("filled")
        fflush(nil)
        let first = try await reach(jobs.count / 10, of: jobs.count)
        let last = try await reach(jobs.count * 9 / 10, of: jobs.count)
        for job in jobs { try await result(of: job) }
        return Measurement(rate: Double(last.finished - first.finished) / ((last.time - first.time) / .seconds(1)))
    }

    // MARK: - Jobs

    private func start() async throws -> JobID {
        try await manager.start(JobRequest(name: "noop", payload: Array("1".utf8), version: "1"))
    }

    /// Waits until a job has ended; throws if it did not succeed.
    private func result(of job: JobID) async throws {
        var known = 0
        while let news = try await manager.nextUpdate(of: job, after: known) {
            if news.state == .succeeded { return }
            if news.state.isFinished { throw BenchmarkError("A job ended as \(news.state): \(news.failure as Any)") }
            known = news.sequence
        }
        throw BenchmarkError("A job is unknown.")
    }

    private func startAll(_ count: Int) async throws -> [JobID] {
        try await concurrently(startingCallers) {
            var jobs: [JobID] = []
            for _ in 0..<(count / startingCallers) { jobs.append(try await start()) }
            return jobs
        }
    }

    private func warmUp() async throws {
        _ = try await concurrently(startingCallers) {
            for _ in 0..<10 { try await result(of: start()) }
            return [Double]()
        }
    }

    private func concurrently<Value: Sendable>(
        _ callers: Int,
        _ body: @escaping @Sendable () async throws -> [Value]
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: [Value].self) { group in
            for _ in 0..<callers { group.addTask { try await body() } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    // MARK: - Progress of a filled queue

    /// Waits until so many jobs have ended.
    private func reach(_ count: Int, of all: Int) async throws -> (finished: Int, time: ContinuousClock.Instant) {
        while true {
            let statistics = await manager.statistics()
            let unfinished = statistics.queued + statistics.scheduled + statistics.running
            // Without an answer of the store all numbers are zero.
            guard unfinished > 0 else { throw BenchmarkError("The queue was empty too early: add jobs.") }
            if all - unfinished >= count { return (all - unfinished, .now) }
            // A measurement: to ask 100 times a second costs little, and news of each job would cost much.
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func seconds(since began: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - began) / .seconds(1)
    }
}

/// One figure, and where times were taken their median and 99th percentile.
struct Measurement: Sendable {
    var rate: Double
    var milliseconds: [Double] = []  // sorted

    /// As a line of JSON.
    var line: String {
        guard !milliseconds.isEmpty else { return #"{"rate": \#(rate)}"# }
        let (p50, p99) = (milliseconds[milliseconds.count / 2], milliseconds[milliseconds.count * 99 / 100])
        return #"{"rate": \#(rate), "p50": \#(p50), "p99": \#(p99)}"#
    }
}

/// A run that gave no figure.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
