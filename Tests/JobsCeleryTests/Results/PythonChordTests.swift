import DashJSON
import Foundation
import Logging
import Testing

@testable import JobsCelery

@Suite(
    "Chords with parts in Swift and in Python",
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot)
)
struct PythonChordTests {
    @Test(arguments: [true, false])
    func `The body is sent once, whoever ends last`(isSwiftLast: Bool) async throws {
        try await withBench { bench in
            let ids = try await bench.sendChord()
            let task = try await bench.takeSwiftTask()
            if isSwiftLast {
                let python = try bench.startWorker()
                defer { python.end(SIGKILL) }
                try await bench.end(of: ids.python)
                try await bench.finish(task, .success(RawJSON(7)))
                #expect(try await bench.end(of: ids.body).result.json == 10)
            } else {
                try await bench.finish(task, .success(RawJSON(7)))
                let python = try bench.startWorker()
                defer { python.end(SIGKILL) }
                #expect(try await bench.end(of: ids.body).result.json == 10)
            }
            // A redelivered copy of the Swift part ends again.
            try await bench.finish(task, .success(RawJSON(7)))
            #expect(try await bench.redis.send(RedisCommand("GET", "bodies")).text == "1")
            #expect(try await bench.redis.send(RedisCommand("LLEN", "celery")).integer == 0)
        }
    }

    @Test func `A part that fails in Swift makes the body fail in Python's eyes`() async throws {
        try await withBench { bench in
            let ids = try await bench.sendChord()
            let python = try bench.startWorker()
            defer { python.end(SIGKILL) }
            try await bench.end(of: ids.python)
            try await bench.finish(bench.takeSwiftTask(), .failure(.swift("MyError", "it broke"), traceback: nil))
            let end = try await bench.end(of: ids.body)
            #expect(end.status == .failure)
            #expect(end.exception == .chordError("Dependency \(ids.swift) raised MyError('it broke')"))
        }
    }

    private func withBench(_ body: (Bench) async throws -> Void) async throws {
        try await withResults { results, redis in
            let folder = FileManager.default.temporaryDirectory.appending(path: "chord-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try Bench.app.write(to: folder.appending(path: "chordapp.py"), atomically: true, encoding: .utf8)
            try await body(Bench(results: results, redis: redis, folder: folder))
        }
    }
}

/// A Python app with a chord, and Swift's part of it done by hand.
private struct Bench {
    static let app = """
        import json, os, redis
        from celery import Celery, chord, signature
        url = os.environ['URL']
        app = Celery('chordapp', broker=url, backend=url)
        app.conf.broker_connection_retry_on_startup = True

        @app.task
        def add(x, y):
            return x + y

        @app.task
        def total(numbers):
            redis.Redis.from_url(url).incr('bodies')
            return sum(numbers)

        def send():
            swift = app.signature('swift.add', args=(3, 4), queue='dash')
            result = chord([add.s(1, 2), swift])(total.s())
            print(json.dumps([child.id for child in result.parent.results] + [result.id]))
        """

    let results: RedisResults
    let redis: ReconnectingRedisClient
    let folder: URL

    private var environment: [String: String] {
        ["URL": redis.options.url.description, "PYTHONPATH": folder.path, "PYTHONDONTWRITEBYTECODE": "1"]
    }

    func sendChord() async throws -> (python: String, swift: String, body: String) {
        let script =
            "import os, sys; os.environ['URL'] = sys.argv[1]; sys.path.insert(0, sys.argv[2])\n"
            + "import chordapp; chordapp.send()"
        let printed = try await PythonProgram.run(script, [redis.options.url.description, folder.path])
        let ids = (0..<3).compactMap { printed.first?[$0].stringValue }
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

    func takeSwiftTask() async throws -> TaskMessage {
        let text = try #require(try await redis.send(RedisCommand("RPOP", "dash")).bytes)
        let envelope = try JSON(parsing: text)
        return try TaskMessage(try #require(RecordedTask(envelope, file: "dash")).raw)
    }

    /// What a worker does at the end of a task.
    func finish(_ message: TaskMessage, _ ending: TaskEnding) async throws {
        let canvas = Canvas(routes: TaskRoutes())
        let runner = CanvasRunner(
            canvas: canvas,
            results: results,
            chords: results,
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
        for await meta in try await results.watch(id) where meta.status.isReady { return meta }
        throw CeleryError(.unreachable, "The task did not end.")
    }

    private func push(_ task: RawTask) async throws {
        let envelope: JSON = [
            "body": .string(Data(task.body).base64EncodedString()),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": .object(task.headers),
            "properties": [
                "correlation_id": .text(task.correlationID), "delivery_mode": 2, "priority": 0,
                "delivery_info": ["exchange": "", "routing_key": .string(task.routingKey)],
                "body_encoding": "base64", "delivery_tag": .string(TaskID.make()),
            ],
        ]
        _ = try await redis.send(RedisCommand("LPUSH", task.routingKey, envelope.serialized()))
    }
}
