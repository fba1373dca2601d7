import DashJSON
import Jobs
import Logging

extension CeleryJobManager {
    func news(of id: JobID, after sequence: Int) async throws -> JobNews? {
        try await asking("read a job") { try await records.news(of: id, after: sequence)?.news }
    }

    func nextNews(of id: JobID, after sequence: Int) async throws -> JobNews? {
        try await asking("read a job") {
            // First the bell, then the news: what happens between is not missed.
            try await doorbells.withWaiter(for: id) { waiter in
                while true {
                    guard let found = try await records.news(of: id, after: sequence) else { return nil }
                    let isOver = found.news.sequence > sequence || found.news.state.isFinished
                    if isOver || Task.isCancelled || calls.isClosed { return found.news }
                    if found.isRemote { follow(id, name: found.news.name) }
                    await waiter.rung()
                }
            }
        }
    }

    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        try await asking("remember an answer") { try await records.record(delivery, for: id) }
    }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await asking("look for a cached result") { try await records.cachedResult(for: key) }
    }

    func cancel(_ id: JobID, reason: String) async throws {
        try await asking("cancel a job") {
            guard try await records.cancel(id, reason: reason) else { return }
            try await revoke(id)
        }
    }

    /// What Redis says, or nothing where it is not reached.
    func statistics() async -> JobStatistics {
        do {
            return try await asking("count jobs") { try await records.statistics() }
        } catch {
            parts.logger.debug("Jobs could not be counted.", metadata: ["error": "\(error)"])
            return JobStatistics()
        }
    }

    /// Does a call, and tells of a failure in the words of job managers.
    func asking<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await calls.during(body)
        } catch let error as JobsError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw JobsError(.storage, "Redis could not \(what). \(error)", cause: error)
        }
    }
}
