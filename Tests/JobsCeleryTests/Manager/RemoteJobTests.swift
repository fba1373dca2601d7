import DashJSON
import Jobs
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Jobs that another program's worker runs",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RemoteJobTests {
    private func withRemoteJob(
        _ body: (CeleryJobManager, RedisBroker, JobID) async throws -> Void
    ) async throws {
        let url = try await RedisServer.shared().database()
        let manager = TestSite(url).manager { $0.codec = RemoteCodec() }
        let broker = RedisBroker.patient(url)
        try await whileRunning(manager, broker) {
            let remote = RemoteTask(name: "proj.report", arguments: RawJSON(unchecked: Array("[1,2]".utf8)))
            try await body(manager, broker, try await manager.start(JobRequest(name: "a", remote: remote)))
        }
    }

    private func storeMeta(_ broker: RedisBroker, _ id: JobID, _ status: TaskState, _ result: JSON) async throws {
        var meta = ResultMeta(taskID: id.text, status: status)
        meta.result = RawJSON(json: result)
        try await RedisResults(redis: broker.client).store(meta)
    }

    @Test("the message is a plain Celery task; progress and result are read from Celery's results")
    func life() async throws {
        try await withRemoteJob { manager, broker, id in
            let envelope = try #require(try await broker.client.send(RedisCommand("RPOP", "celery")).bytes)
            let message = try TaskMessage(KombuEnvelope.decode(envelope).task)
            #expect(message.task == "proj.report")
            #expect(message.id == id.text)
            #expect(message.arguments.description == "[1,2]")
            #expect(message.custom["dash"] == nil)

            async let update = manager.nextUpdate(of: id, after: 0)
            try await storeMeta(broker, id, .started, ["pid": 1])
            try await storeMeta(broker, id, .progress, ["value": 5])
            let progress = try #require(try await update)
            #expect(progress.state == .running)
            #expect(progress.progress.map(\.value.description) == [#"{"value":5}"#])
            try await storeMeta(broker, id, .success, ["x": 1])
            let end = try await manager.update(of: id) { _ in false }
            #expect(end?.state == .succeeded)
            #expect(end?.result?.description == #"{"x":1}"#)
        }
    }

    @Test("a failure has its exception and message; a value that cannot be decoded is a failure")
    func failures() async throws {
        try await withRemoteJob { manager, broker, id in
            let exception: JSON = [
                "exc_type": "ValueError", "exc_message": ["no such country"], "exc_module": "builtins",
            ]
            try await storeMeta(broker, id, .failure, exception)
            let end = try await manager.update(of: id) { _ in false }
            #expect(end?.failure == JobFailure(kind: .error, code: "ValueError", message: "no such country"))
        }
        try await withRemoteJob { manager, broker, id in
            try await storeMeta(broker, id, .success, "unfit")
            let end = try await manager.update(of: id) { _ in false }
            #expect(end?.state == .failed)
            #expect(end?.failure?.message == "The value does not fit.")
        }
    }

    @Test("a missed result is found by the sweep")
    func missed() async throws {
        let url = try await RedisServer.shared().database()
        let site = TestSite(url)
        let broker = RedisBroker.patient(url)
        let remote = RemoteTask(name: "proj.report", arguments: .emptyArray)
        let (first, request) = (site.manager(), JobRequest(name: "a", remote: remote))
        _ = try await whileRunning(first) { try await first.start(request) }
        let second = site.manager()
        try await whileRunning(second, broker) {
            try await storeMeta(broker, request.id, .success, 1)
            #expect(try await second.update(of: request.id) { _ in false }?.state == .succeeded)
        }
    }

    @Test("a cancellation finishes the job at once, revokes and terminates the task, and discards its result")
    func cancellation() async throws {
        try await withRemoteJob { manager, broker, id in
            let channel = broker.keys.channel(of: "celery.pidbox")
            let requests = try await broker.subscriber.messages(of: channel)
            try await manager.cancel(id, reason: "by ann")
            #expect(try await manager.update(of: id, after: 0)?.state == .cancelled)
            let said = try #require(await requests.first { _ in true } ?? nil)
            let request = try ControlRequest(KombuEnvelope.decode(said.payload).task)
            #expect(request.method == "revoke")
            #expect(request.arguments["terminate"] == true)
            try await storeMeta(broker, id, .success, ["x": 1])
            let news = try await manager.update(of: id, after: 0)
            #expect(news?.state == .cancelled)
            #expect(news?.result == nil)
        }
    }
}

/// Uses a task's values unchanged, and refuses one of them.
private struct RemoteCodec: JobCodec {
    private let plain = PlainJobCodec()

    struct Unfit: Error, CustomStringConvertible {
        var description: String { "The value does not fit." }
    }

    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON) {
        plain.encode(payload: payload, of: job)
    }

    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) throws -> [UInt8] { [] }

    func value(ofResult result: [UInt8], of job: String) throws -> RawJSON { RawJSON(unchecked: result) }

    func result(ofValue value: RawJSON, of job: String) throws -> [UInt8] {
        if value.description == #""unfit""# { throw Unfit() }
        return value.bytes
    }

    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] {
        [PropertyValue(id: "bar", property: "value", value: meta)]
    }
}
