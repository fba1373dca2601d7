import DashJSON
import Foundation
import Logging
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Results and chords between Swift and Python",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot)
)
struct PythonResultsTests {
    private static let reader = """
        import json, sys
        from celery import Celery
        app = Celery(broker=sys.argv[1], backend=sys.argv[1])
        for id in sys.argv[2:]:
            try:
                print(json.dumps(["value", app.AsyncResult(id).get(timeout=20)]))
            except Exception as error:
                print(json.dumps(["error", type(error).__name__, type(error).__module__, str(error)]))
        """

    @Test func `Python returns our values and raises our exceptions`() async throws {
        let url = try await RedisServer.shared().database()
        try await withResults(at: url) { results, redis in
            let exceptions: [(TaskException, JSON)] = [
                (.swift("MyError", "it broke"), ["error", "MyError", "celery.exceptions", "it broke"]),
                (.swift(Outer.Inner()), ["error", "Inner", "celery.exceptions", "inner said so"]),
                (
                    .workerLost("signal 9 (SIGKILL)"),
                    [
                        "error", "WorkerLostError", "billiard.exceptions",
                        "Worker exited prematurely: signal 9 (SIGKILL)",
                    ]
                ),
                (
                    .timeLimitExceeded(1),
                    ["error", "TimeLimitExceeded", "billiard.exceptions", "TimeLimitExceeded(1,)"]
                ),
                (
                    .softTimeLimitExceeded,
                    ["error", "SoftTimeLimitExceeded", "billiard.exceptions", "SoftTimeLimitExceeded()"]
                ),
                (.notRegistered("a.b"), ["error", "NotRegistered", "celery.exceptions", "'a.b'"]),
                (.chordError("part"), ["error", "ChordError", "celery.exceptions", "part"]),
                (.invalidTask("no args"), ["error", "InvalidTaskError", "celery.exceptions", "no args"]),
                (
                    TaskException(CeleryError(.contentType, "pickled")),
                    ["error", "ContentDisallowed", "kombu.exceptions", "pickled"]
                ),
            ]
            var expected: [JSON] = [["value", ["x": [1, 2.5, nil, "ž"]]]]
            var value = ResultMeta(taskID: "v", status: .success)
            value.result = RawJSON(json: ["x": [1, 2.5, nil, "ž"]])
            try await results.store(value)
            var ids = ["v"]
            for (number, (exception, seen)) in exceptions.enumerated() {
                try await results.store(ResultMeta(taskID: "e\(number)", .failure, exception: exception, now: 0))
                ids.append("e\(number)")
                expected.append(seen)
            }
            try await results.store(ResultMeta(taskID: "r", .revoked, exception: .revoked("terminated"), now: 0))
            expected.append(["error", "TaskRevokedError", "celery.exceptions", "terminated"])
            let seen = try await PythonProgram.run(Self.reader, [url.description] + ids + ["r"])
            for (seen, expected) in zip(seen, expected) { #expect(seen == expected) }
            #expect(seen.count == expected.count)
        }
    }

    @Test func `A waiting Python caller receives the result immediately`() async throws {
        let url = try await RedisServer.shared().database()
        try await withResults(at: url) { results, redis in
            async let seen = PythonProgram.run(Self.reader, [url.description, "w"])
            // Wait until it is subscribed: each turn is a round trip to Redis.
            while try await redis.send(RedisCommand("PUBSUB", "NUMSUB", "celery-task-meta-w")).elements?.last?.integer
                == 0
            {}
            var meta = ResultMeta(taskID: "w", status: .success)
            meta.result = RawJSON("done")
            try await results.store(meta)
            #expect(try await seen == [["value", "done"]])
        }
    }

    private struct Outer {
        struct Inner: Error, CustomStringConvertible { var description: String { "inner said so" } }
    }
}
