import DashJSON
import Jobs
import Testing

extension JobManager {
    /// Waits until a job is finished and returns its last update.
    func end(of id: JobID, sourceLocation: SourceLocation = #_sourceLocation) async throws -> JobUpdate {
        var known = -1
        while true {
            // A cancelled wait returns at once, so the loop would not suspend.
            try Task.checkCancellation()
            let news = try await nextUpdate(of: id, after: known)
            let found = try #require(news, "the job is unknown", sourceLocation: sourceLocation)
            if found.state.isFinished { return found }
            known = found.sequence
        }
    }

    /// Starts a job and waits until the executor holds its task.
    func startHeld(_ request: JobRequest, _ executor: TestExecutor) async throws -> (JobID, TestRun) {
        let id = try await start(request)
        return (id, await executor.next())
    }
}

/// Property values as short texts.
func texts(_ values: [PropertyValue]) -> [String] {
    values.map { "\($0.id).\($0.property)=\($0.value)" }
}

/// Yields until a condition is true. Only for conditions without an event.
func eventually(
    _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, "\(what) did not happen", sourceLocation: sourceLocation)
        await Task.yield()
    }
}
