// A worker without a site: takes Celery's messages and runs small tasks, as tests and measurements ask for.
//
// The queue's place is said as for a site: REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND.
import Jobs

if WorkerProcess.isWorker {
    await WorkerProcess.serve { task, channel in
        guard let run = fixtureTasks[task.name] else { throw UnknownTask(name: task.name) }
        return try await run(TaskCall(task.payload), channel)
    }
} else if CommandLine.arguments.dropFirst().first == "send" {
    await FixtureSender.main(Array(CommandLine.arguments.dropFirst(2)))
} else {
    await FixtureWorker.main(nil)
}

struct UnknownTask: Error {
    let name: String
}
