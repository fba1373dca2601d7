// A program for tests of the worker pool: the name of a task selects the job, its payload is the argument.
import Jobs

if WorkerProcess.isWorker {
    prepareStart()
    await WorkerProcess.serve(buildID: Setting.text("POOL_FIXTURE_BUILD") ?? "fixture") { task, channel in
        guard let job = fixtureJobs[task.name] else { throw UnknownJob(name: task.name) }
        return try await job(task, channel)
    }
} else if CommandLine.arguments.dropFirst().first == "measure" {
    try await Measurement.run()
} else {
    try await FixturePool.run()
}

struct UnknownJob: Error {
    let name: String
}
