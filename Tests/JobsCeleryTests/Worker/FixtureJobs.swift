import DashJSON
import Jobs
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ

/// The web server's side of the fixture: its tasks as recorded jobs of a site.
struct FixtureJobs {
    let manager: any JobManager

    /// - Parameters:
    ///   - environment: The addresses of the broker and the results.
    ///   - queue: The queue of the workers.
    ///   - change: Changes the options.
    init(
        _ environment: [String: String],
        queue: String,
        change: (inout CeleryManager.Options) -> Void = { _ in }
    ) throws {
        var options = CeleryManager.Options()
        options.queue = queue
        change(&options)
        let backend = try #require(try CeleryManager.from([.redis, .rabbitMQ], options) { environment[$0] })
        let jobs = ["add", "mark", "gate"].map { JobDefinition(name: $0, taskName: "fixture.\($0)", version: "1") }
        manager = try backend.makeManager(JobBackendSetup(jobs: jobs, logger: .quiet))
    }

    func start(_ name: String, _ arguments: [JSON]) async throws -> JobID {
        // The codec of plain jobs adds the brackets.
        let payload = Array(JSON.array(arguments).serialized().dropFirst().dropLast())
        return try await manager.start(JobRequest(name: name, payload: payload, version: "1"))
    }

    /// Waits for the completion of a job.
    func end(of id: JobID) async throws -> JobUpdate {
        try #require(try await manager.update(of: id) { _ in false })
    }
}
