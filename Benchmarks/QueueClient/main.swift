// Measures a queue as a web server sees it: starts jobs with records through a manager, and waits for their results.
//
//   queue-client started COUNT            jobs started a second by 16 callers
//   queue-client finished COUNT CALLERS   jobs finished a second, each caller one after another; ms from start to result
//   queue-client filled COUNT             fills the queue, prints `filled`; then jobs finished a second by a worker that
//                                         is started now
//
// Each prints one line of JSON: {"rate": …}, and "p50" and "p99" where times are taken. The queue's place is set as for
// a site (REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND). A worker of celery-fixture takes the jobs from
// the queue `swift`.
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

/// What can be measured.
enum Figure: String {
    case started, finished, filled
}
