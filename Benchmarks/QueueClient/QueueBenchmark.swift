import Jobs
import JobsCelery
import JobsRabbitMQ
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Measures a manager of jobs on a queue. A job that does not succeed fails the run.
struct QueueBenchmark: Sendable {
    private let manager: any JobManager
    private let startingCallers = 16

    /// - Parameter manager: A running manager.
    init(manager: any JobManager) {
        self.manager = manager
    }

    /// Creates a manager for the queue configured in the environment, with limits that are never reached.
    static func makeManager(logger: Logger) throws -> any JobManager {
        var options = CeleryManager.Options()
        options.queue = "swift"
        guard let celery = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ], options: options) else {
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

    /// Measures the starts of jobs, without their results; waits for all results afterwards.
    func started(_ count: Int) async throws -> Measurement {
        try await warmUp()
        let began = ContinuousClock.now
        let jobs = try await startAll(count)
        let measurement = Measurement(rate: Double(jobs.count) / seconds(since: began))
        for job in jobs { try await result(of: job) }
        return measurement
    }

    /// Measures jobs of callers that start a job, wait for its result, and start the next.
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

    /// Fills the queue and measures a worker that empties it, between 10 % and 90 %.
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

    /// Waits until a job is finished; throws if it did not succeed.
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

    /// Waits until `count` jobs are finished.
    private func reach(_ count: Int, of all: Int) async throws -> (finished: Int, time: ContinuousClock.Instant) {
        while true {
            let statistics = await manager.statistics()
            let unfinished = statistics.queued + statistics.scheduled + statistics.running
            // All numbers are zero if the store does not reply.
            guard unfinished > 0 else { throw BenchmarkError("The queue was empty too early: add jobs.") }
            if all - unfinished >= count { return (all - unfinished, .now) }
            // Polling 100 times a second disturbs the measurement less than updates of each job.
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func seconds(since began: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - began) / .seconds(1)
    }
}

/// A rate, and optionally the durations of jobs.
struct Measurement: Sendable {
    var rate: Double
    var milliseconds: [Double] = []  // sorted

    /// A line of JSON: the rate, with durations also their median and 99th percentile.
    var line: String {
        guard !milliseconds.isEmpty else { return #"{"rate": \#(rate)}"# }
        let (p50, p99) = (milliseconds[milliseconds.count / 2], milliseconds[milliseconds.count * 99 / 100])
        return #"{"rate": \#(rate), "p50": \#(p50), "p99": \#(p99)}"#
    }
}

/// The error of a run without a result.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
