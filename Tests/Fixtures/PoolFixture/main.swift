import Jobs

await WorkerProcess.serve(buildID: "fixture") { task, _ in task.payload }
