// Measures a queue as a web server sees it: starts jobs through a manager, and waits for their results.
//
//   queue-client COUNT      prints {"started": jobs a second, "p50": ms, "p99": ms}
//
// The queue's place is said as for a site (REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND); a worker of
// celery-fixture that takes from the queue `swift` has to be there.
import DashJSON
import Jobs
import JobsCelery
import Logging
import ServiceLifecycle

let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1000
var options = CeleryManager.Options()
options.queue = "swift"
guard let celery = try CeleryManager.fromEnvironment(options) else {
    throw CeleryError(.option, "Set REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND.")
}
var configuration = JobManagerConfiguration()
configuration.maximumQueued = 1_000_000
configuration.maximumPerOwner = 1_000_000
let setup = JobBackendSetup(
    configuration: configuration,
    jobs: [JobDefinition(name: "noop", taskName: "fixture.noop", version: "1")],
    logger: Logger(label: "queue-client", factory: { StreamLogHandler.standardError(label: $0) })
)
let manager = try celery.makeManager(setup)
let service = Task { try await manager.run() }
/// A request for one more job.
@Sendable func another() -> JobRequest {
    JobRequest(name: "noop", payload: Array("1".utf8), version: "1")
}

/// Starts a job and waits until it has ended.
@Sendable func end(_ id: JobID) async throws {
    var known = 0
    while let news = try await manager.nextNews(of: id, after: known), !news.state.isFinished { known = news.sequence }
}

try await end(manager.start(another()))
var waits: [Double] = []
for _ in 0..<max(100, count / 5) {
    let began = ContinuousClock.now
    try await end(manager.start(another()))
    waits.append((ContinuousClock.now - began) / .milliseconds(1))
}
waits.sort()

let began = ContinuousClock.now
let last = try await withThrowingTaskGroup(of: JobID?.self) { group in
    for _ in 0..<16 {
        group.addTask {
            var last: JobID?
            for _ in 0..<(count / 16) {
                last = try await manager.start(another())
            }
            return last
        }
    }
    var last: [JobID] = []
    for try await id in group { if let id { last.append(id) } }
    return last
}
let rate = Double(count / 16 * 16) / ((ContinuousClock.now - began) / .seconds(1))
for id in last { try await end(id) }
print(#"{"started": \#(rate), "p50": \#(waits[waits.count / 2]), "p99": \#(waits[waits.count * 99 / 100])}"#)
service.cancel()
try? await service.value
