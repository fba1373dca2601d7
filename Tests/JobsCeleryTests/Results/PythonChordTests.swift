import DashJSON
import Foundation
import Logging
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Chords with parts in Swift and in Python",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot)
)
struct PythonChordTests {
    @Test(arguments: [true, false])
    func `The body is sent once, whichever part completes last`(isSwiftLast: Bool) async throws {
        try await withChordBench { bench in
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
            // A redelivered copy of the Swift part completes again.
            try await bench.finish(task, .success(RawJSON(7)))
            #expect(try await bench.redis.send(RedisCommand("GET", "bodies")).text == "1")
            #expect(try await bench.redis.send(RedisCommand("LLEN", "celery")).integer == 0)
        }
    }

    @Test func `A failed Swift part fails the body as in Python`() async throws {
        try await withChordBench { bench in
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

    @Test func `A chain of a Swift task, a group, its body and another step completes`() async throws {
        try await withChordBench { bench in
            let ids = try await bench.send("chain_with_group()")
            let python = try bench.startWorker()
            defer { python.end(SIGKILL) }
            try await bench.finish(bench.takeSwiftTask(), .success(RawJSON(3)))
            #expect(try await bench.end(of: ids[0]).result.json == 109)
        }
    }

    @Test func `A chain whose last step is in Swift counts as a part of a chord`() async throws {
        try await withChordBench { bench in
            let ids = try await bench.send("chain_in_header()")
            let python = try bench.startWorker()
            defer { python.end(SIGKILL) }
            // Celery sends the next step before it stores the result.
            try await bench.end(of: ids[1])
            let task = try await bench.takeSwiftTask()
            #expect(task.arguments.json == [3, 3])
            try await bench.finish(task, .success(RawJSON(6)))
            #expect(try await bench.end(of: ids[0]).result.json == 8)
        }
    }

    @Test func `After a failure in Swift the rest of the chain fails, and its errback runs in Python`() async throws {
        try await withChordBench { bench in
            let ids = try await bench.send("failing_chain()")
            let python = try bench.startWorker()
            defer { python.end(SIGKILL) }
            try await bench.finish(bench.takeSwiftTask(), .failure(.swift("MyError", "it broke"), traceback: "line"))
            #expect(try await bench.end(of: ids[0]).exception == .swift("MyError", "it broke"))
            #expect(try await bench.end(of: "the-errback").result.json == .string(ids[1]))
        }
    }
}
