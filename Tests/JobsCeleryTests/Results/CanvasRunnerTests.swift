import DashJSON
import Logging
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Chords whose body cannot be sent", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct CanvasRunnerTests {
    /// A queue that throws errors for the first messages.
    private final class Queue: Sendable {
        private let state: Mutex<(errors: [CeleryError], sent: [BrokerMessage])>

        init(_ errors: [CeleryError]) { state = Mutex((errors, [])) }

        var sent: [BrokerMessage] { state.withLock { $0.sent } }

        func publish(_ task: BrokerMessage) throws {
            try state.withLock { state in
                if !state.errors.isEmpty { throw state.errors.removeFirst() }
                state.sent.append(task)
            }
        }
    }

    private static let last = {
        var message = TaskMessage(task: "a", id: "1")
        let errback = Signature(task: "e").json
        (message.group, message.groupIndex) = ("g", 0)
        message.chord = Signature(task: "body", options: ["task_id": "the-body", "link_error": [errback]])
        return message
    }()

    private func withRunner(
        _ errors: [CeleryError],
        _ body: (CanvasRunner, Queue, RedisResults) async throws -> Void
    ) async throws {
        try await withResults { results, _ in
            let queue = Queue(errors)
            try await results.open("g", size: 1)
            let runner = CanvasRunner(
                canvas: Canvas(routes: TaskRoutes()),
                results: results,
                publish: { try queue.publish($0) },
                now: { 0 },
                logger: .quiet
            )
            try await body(runner, queue, results)
        }
    }

    @Test func `After a temporary broker failure the body is sent once`() async throws {
        try await withRunner([CeleryError(.unreachable, "away"), CeleryError(.connectionLost, "lost")]) {
            runner,
            queue,
            results in
            let plan = try runner.canvas.plan(after: Self.last, .success(RawJSON(5)), now: 0)
            await #expect(throws: CeleryError.self) { try await runner.conclude(plan) }
            await #expect(throws: CeleryError.self) { try await runner.conclude(plan) }
            for _ in 0..<3 { try await runner.conclude(plan) }
            #expect(queue.sent.map(\.taskID) == ["the-body"])
            #expect(try await results.read(["the-body"]) == [nil])
        }
    }

    @Test func `A body that cannot be sent fails, and its errback is sent`() async throws {
        try await withRunner([CeleryError(.malformed, "no body")]) { runner, queue, results in
            let plan = try runner.canvas.plan(after: Self.last, .success(RawJSON(5)), now: 0)
            for _ in 0..<2 { try await runner.conclude(plan) }
            #expect(queue.sent.map(\.taskName) == ["e"])
            #expect(try await results.read(["the-body"])[0]?.exception == .chordError("Callback error: no body"))
        }
    }
}
