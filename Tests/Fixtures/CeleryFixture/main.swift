// A worker without a site: runs small tasks from Celery messages, for tests and measurements.
//
// The queue is configured as for a site: REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND.
import ArgumentParser
import Jobs

if WorkerProcess.isWorker {
    await WorkerProcess.serve { task, channel in
        guard let run = fixtureTasks[task.name] else { throw UnknownTask(name: task.name) }
        return try await run(TaskCall(task.payload), channel)
    }
} else if CommandLine.arguments.dropFirst().first == "send" {
    await run(FixtureSender.self, Array(CommandLine.arguments.dropFirst(2)))
} else {
    await run(FixtureWorker.self, Array(CommandLine.arguments.dropFirst()))
}

func run<Command: AsyncParsableCommand>(_ type: Command.Type, _ arguments: [String]) async {
    do {
        var command = try type.parse(arguments)
        try await command.run()
    } catch {
        type.exit(withError: error)
    }
}

struct UnknownTask: Error {
    let name: String
}
