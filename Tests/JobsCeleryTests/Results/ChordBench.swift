import DashJSON
import Foundation
import Logging
import Support
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// Runs `body` with a Python app.
func withChordBench(_ body: (ChordBench) async throws -> Void) async throws {
    let url = try await RedisServer.shared().database()
    try await withChannels(at: url) { results, redis, channels in
        let folder = FileManager.default.temporaryDirectory.appending(path: "chord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try ChordBench.app.write(to: folder.appending(path: "chordapp.py"), atomically: true, encoding: .utf8)
        try await body(ChordBench(results: results, redis: redis, channels: channels, url: url, folder: folder))
    }
}

/// A Python app with chords; the tests complete the Swift parts.
struct ChordBench {
    static let app = """
        import json, os, redis
        from celery import Celery, chain, chord, group
        url = os.environ['URL']
        app = Celery('chordapp', broker=url, backend=url)
        app.conf.broker_connection_retry_on_startup = True

        @app.task
        def add(x, y):
            return x + y

        @app.task
        def note(id):
            return id

        @app.task
        def total(numbers):
            redis.Redis.from_url(url).incr('bodies')
            return sum(numbers)

        def send():
            swift = app.signature('swift.add', args=(3, 4), queue='dash')
            result = chord([add.s(1, 2), swift])(total.s())
            print(json.dumps([child.id for child in result.parent.results] + [result.id]))

        def chain_with_group():
            swift = app.signature('swift.add', args=(1, 2), queue='dash')
            print(json.dumps([chain(swift, group(add.s(1), add.s(2)), total.s(), add.s(100))().id]))

        def chain_in_header():
            swift = app.signature('swift.add', args=(3,), queue='dash')
            result = chord([chain(add.s(1, 2), swift), add.s(1, 1)])(total.s())
            print(json.dumps([result.id, result.parent.results[0].parent.id]))

        def failing_chain():
            swift = app.signature('swift.add', args=(1, 2), queue='dash')
            swift.link_error(note.s().set(task_id='the-errback'))
            result = chain(swift, add.s(1), add.s(2))()
            print(json.dumps([result.id, result.parent.parent.id]))
        """

    let results: RedisResults
    let redis: ReconnectingRedisClient
    let channels: RedisPubSub
    let url: RedisURL
    let folder: URL

    private var environment: [String: String] {
        ["URL": url.description, "PYTHONPATH": folder.path, "PYTHONDONTWRITEBYTECODE": "1"]
    }

    /// Calls a function of the app and returns its output.
    func send(_ call: String) async throws -> [String] {
        let script = """
            import os, sys
            os.environ['URL'] = sys.argv[1]
            sys.path.insert(0, sys.argv[2])
            import chordapp
            chordapp.\(call)
            """
        let printed = try await PythonProgram.run(script, [url.description, folder.path])
        return try #require(printed.first?.arrayValue).map { $0.stringValue ?? "" }
    }

    func sendChord() async throws -> (python: String, swift: String, body: String) {
        let ids = try await send("send()")
        try #require(ids.count == 3)
        return (ids[0], ids[1], ids[2])
    }

    func startWorker() throws -> TestServerProcess {
        try TestServerProcess(
            PythonProgram.path,
            arguments: [
                "-m", "celery", "-A", "chordapp", "worker", "-P", "solo", "-l", "ERROR", "--without-gossip",
                "--without-mingle", "--without-heartbeat",
            ],
            environment: environment
        )
    }

    /// Takes the sent message of the Swift part.
    func takeSwiftTask() async throws -> TaskMessage {
        let text = try #require(try await redis.send(RedisCommand("RPOP", "dash")).bytes)
        let envelope = try JSON(parsing: text)
        return try TaskMessage(try #require(RecordedTask(envelope, file: "dash")).raw)
    }

    /// Completes a task as a worker does.
    func finish(_ message: TaskMessage, _ ending: TaskEnding) async throws {
        let canvas = Canvas(routes: TaskRoutes())
        let runner = CanvasRunner(
            canvas: canvas,
            results: results,
            publish: { try await push($0) },
            now: { 1_900_000_000_000 },
            logger: .quiet
        )
        let plan = try canvas.plan(after: message, ending, now: 1_900_000_000_000)
        switch ending {
        case .success(let value):
            try await runner.send(plan.steps)
            try await results.store(ResultMeta(message, .success, result: value, now: 0))
            try await runner.conclude(plan)
        case .failure(let exception, _), .revoked(let exception):
            try await results.store(ResultMeta(message, .failure, result: RawJSON(exception), now: 0))
            try await runner.conclude(plan)
            try await runner.send(plan.steps)
        }
    }

    @discardableResult
    func end(of id: String) async throws -> ResultMeta {
        for await meta in try await channels.watch(id, in: results) where meta.status.isReady { return meta }
        throw CeleryError(.unreachable, "The task did not complete.")
    }

    private func push(_ task: BrokerMessage) async throws {
        let envelope: JSON = [
            "body": .string(Data(task.body).base64EncodedString()),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": .object(task.headers),
            "properties": [
                "correlation_id": .string(orNull: task.correlationID), "delivery_mode": 2, "priority": 0,
                "delivery_info": ["exchange": "", "routing_key": .string(task.routingKey)],
                "body_encoding": "base64", "delivery_tag": .string(UniqueID.random().text),
            ],
        ]
        _ = try await redis.send(RedisCommand("LPUSH", task.routingKey, envelope.serialized()))
    }
}
