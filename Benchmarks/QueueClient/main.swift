// Measures a queue from a web server's side: starts jobs with records through a manager, and waits for their results.
//
//   queue-client started COUNT            jobs started per second by 16 callers
//   queue-client finished COUNT CALLERS   jobs finished per second, one at a time per caller; ms from start to result
//   queue-client filled COUNT             fills the queue and prints `filled`; then jobs finished per second by a worker,
//                                         started at that time
//
// Each prints one line of JSON: {"rate": …}, and "p50" and "p99" in ms if durations are measured. The queue is
// configured as for a site (REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND). A worker of celery-fixture runs
// the jobs from the queue `swift`.
import Jobs
import Logging
import ServiceLifecycle

let arguments = Array(CommandLine.arguments.dropFirst())
let numbers = arguments.dropFirst().compactMap { Int($0) }
guard let figure = arguments.first.flatMap(Figure.init(rawValue:)), let count = numbers.first else {
    throw BenchmarkError("Usage: queue-client started COUNT | finished COUNT CALLERS | filled COUNT.")
}
let logger = Logger(label: "queue-client", factory: { StreamLogHandler.standardError(label: $0) })
let manager = try QueueBenchmark.makeManager(logger: logger)
let service = Task { try await manager.run() }
let benchmark = QueueBenchmark(manager: manager)
let measured =
    switch figure {
    case .started: try await benchmark.started(count)
    case .finished: try await benchmark.finished(count, callers: numbers.count > 1 ? numbers[1] : 1)
    case .filled: try await benchmark.filled(count)
    }
print(measured.line)
service.cancel()
try? await service.value

enum Figure: String {
    case started, finished, filled
}
