import DashJSON
import Foundation
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "Python's Celery over RabbitMQ",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot),
    .timeLimit(.minutes(10))
)
struct PythonOverRabbitTests {
    @Test("A Python producer's message is delivered with all its fields")
    func readsPython() async throws {
        let server = try await RabbitServer.shared()
        let queue = "q-python-\(UInt32.random(in: 0...UInt32.max))"
        let printed = try await PythonProgram.run(
            """
            import sys, celery
            app = celery.Celery(broker=sys.argv[1])
            app.send_task("lab.add", args=(1, "ä"), kwargs={"y": None}, queue=sys.argv[2], task_id="the-id", priority=3,
                          countdown=60, headers={"mine": {"deep": [1, 2.5, True]}})
            """,
            [server.address, queue]
        )
        #expect(printed.isEmpty)
        try await withBroker { broker, _ in
            let tasks = try await broker.takeAll(queue)
            let task = try #require(tasks.first)
            #expect(task.headers["task"] == "lab.add")
            #expect(task.headers["id"] == "the-id")
            #expect(task.correlationID == "the-id")
            #expect(task.headers["mine"] == ["deep": [1, 2.5, true]])
            #expect(task.headers["timelimit"] == [nil, nil])
            #expect(task.headers["eta"]?.stringValue != nil)
            #expect((task.priority, task.isPersistent, task.routingKey) == (3, true, queue))
            let body = try JSON(parsing: task.body)
            #expect(body[0] == [1, "ä"])
            #expect(body[1] == ["y": nil])
        }
    }

    @Test("A Python worker runs a published task, and its result arrives over rpc://")
    func pythonRuns() async throws {
        let server = try await RabbitServer.shared()
        let queue = "q-worker-\(UInt32.random(in: 0...UInt32.max))"
        let script = """
            import sys, celery
            app = celery.Celery(broker=sys.argv[1], backend="rpc://")
            @app.task(name="lab.add")
            def add(x, y):
                return x + y
            app.worker_main(["worker", "-P", "solo", "-Q", sys.argv[2], "-n", "py@host", "--loglevel", "ERROR"])
            """
        let worker = try TestServerProcess(PythonProgram.path, arguments: ["-c", script, server.address, queue])
        defer { worker.end(SIGKILL) }
        try await withBroker { broker, _ in
            let replies = broker.replyQueue
            await replies.ready()
            let results = replies.results(of: "sum")
            var task = BrokerMessage()
            task.headers = ["lang": "swift", "task": "lab.add", "id": "sum"]
            task.body = Array("[[1, 2], {}, {}]".utf8)
            (task.routingKey, task.correlationID, task.replyTo) = (queue, "sum", replies.queue)
            try await broker.publish(task)
            let result = try #require(await results.first { _ in true })
            let meta = try JSON(parsing: result.body)
            #expect(meta["status"] == "SUCCESS")
            #expect(meta["result"] == 3)
            #expect(meta["task_id"] == "sum")
        }
    }
}
