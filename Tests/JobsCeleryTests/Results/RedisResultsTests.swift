import DashJSON
import Support
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

// Databases share the channels: tests that subscribe use unique IDs.
@Suite("Results in Redis", .takesTurns, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisResultsTests {
    private func meta(_ id: String, _ status: TaskState, _ result: JSON = nil) -> ResultMeta {
        var meta = ResultMeta(taskID: id, status: status)
        meta.result = RawJSON(json: result)
        return meta
    }

    @Test func `A result is stored for a day and published`() async throws {
        try await withChannels { results, redis, channels in
            let channel = try await channels.messages(of: "celery-task-meta-stored")
            try await results.store(meta("stored", .success, 3))
            var iterator = channel.makeAsyncIterator()
            let message = try #require(await iterator.next() ?? nil)
            #expect(try ResultMeta(reading: message.payload) == meta("stored", .success, 3))
            #expect(try await results.read(["stored", "missing"]) == [meta("stored", .success, 3), nil])
            let ttl = try await redis.send(RedisCommand("TTL", "celery-task-meta-stored")).integer ?? 0
            #expect((86_390...86_400).contains(ttl))
        }
    }

    @Test func `A success is never overwritten, all other states are`() async throws {
        try await withResults { results, redis in
            let failure = meta("1", .failure, ["status": "SUCCESS"])
            for state in [meta("1", .started), failure, meta("1", .success, 1)] {
                try await results.store(state)
                #expect(try await results.read(["1"]) == [state])
            }
            try await results.store([meta("1", .failure), meta("5", .failure)])
            #expect(try await results.read(["1", "5"]) == [meta("1", .success, 1), meta("5", .failure)])
            // Other programs use another order and spacing.
            for (id, text) in [("2", "{ \"status\" : \"SUCCESS\" }"), ("3", #"{"task_id":"3","status":"SUCCESS"}"#)] {
                _ = try await redis.send(RedisCommand("SET", "celery-task-meta-\(id)", text))
                try await results.store(meta(id, .revoked))
                let stored = try await redis.send(RedisCommand("GET", "celery-task-meta-\(id)"))
                #expect(stored.text == text)
            }
            _ = try await redis.send(RedisCommand("SET", "celery-task-meta-4", "rubbish"))
            try await results.store(meta("4", .revoked))
            #expect(try await results.read(["4"]) == [meta("4", .revoked)])
        }
    }

    @Test func `With an expiry of 0 results are kept indefinitely, under a key prefix`() async throws {
        try await withResults(ResultSettings(expires: 0, keyPrefix: "proj")) { results, redis in
            try await results.store(meta("1", .success))
            #expect(try await redis.send(RedisCommand("TTL", "proj_celery-task-meta-1")).integer == -1)
        }
    }

    @Test func `Watching a task delivers the stored state, then the updates until completion`() async throws {
        try await withChannels { results, _, channels in
            try await results.store(meta("watched", .progress, 1))
            let news = try await channels.watch("watched", in: results)
            try await results.store(meta("watched", .progress, 2))
            try await results.store(meta("watched", .success, 3))
            var seen: [ResultMeta] = []
            for await meta in news { seen.append(meta) }
            #expect(seen.map(\.result.json) == [1, 2, 3])
            var late: [ResultMeta] = []
            for await meta in try await channels.watch("watched", in: results) { late.append(meta) }
            #expect(late.map(\.result.json) == [3])
        }
    }

    @Test func `Only the last part of a chord receives the results, in order`() async throws {
        try await withResults { results, redis in
            try await results.open("g", size: 20)
            let complete = try await withThrowingTaskGroup(of: CompleteChord?.self) { group -> [CompleteChord] in
                // Each part completes twice, as after a redelivery.
                for index in (0..<20).shuffled() + (0..<20).shuffled() {
                    group.addTask { try await results.end(part("g", index)) }
                }
                var complete: [CompleteChord] = []
                for try await case let chord? in group { complete.append(chord) }
                return complete
            }
            #expect(complete.count == 1)
            let chord = try #require(complete.first)
            #expect(chord.outcome == .success(RawJSON(Array(0..<20))))
            #expect(try await results.keep(chord))
            try await results.close(chord)
            #expect(try await results.end(part("g", 3)) == nil)
            #expect(
                try await redis.send(RedisCommand("KEYS", "*")).elements?.compactMap(\.text) == [
                    "celery-taskset-meta-g.c"
                ]
            )
        }
    }

    @Test func `A chord with a failed part fails with its exception`() async throws {
        try await withResults { results, _ in
            try await results.open("g", size: 2)
            #expect(try await results.end(part("g", 0)) == nil)
            var failed = part("g", 1)
            (failed.state, failed.result) = (.failure, RawJSON(TaskException.swift("MyError", "it broke")))
            let chord = try #require(try await results.end(failed))
            #expect(chord.outcome == .failure(.chordError("Dependency task1 raised MyError('it broke')")))
            try await results.fail(chord)
        }
    }

    @Test func `An expired claim can be renewed unless another worker holds it`() async throws {
        try await withResults { results, redis in
            try await results.open("g", size: 1)
            let chord = try #require(try await results.end(part("g", 0)))
            _ = try await redis.send(RedisCommand("DEL", "celery-taskset-meta-g.c"))
            #expect(try await results.keep(chord))
            _ = try await redis.send(RedisCommand("SET", "celery-taskset-meta-g.c", "other"))
            #expect(try await results.keep(chord) == false)
            try await results.close(chord)
            #expect(try await redis.send(RedisCommand("GET", "celery-taskset-meta-g.c")).text == "other")
        }
    }

    @Test func `After an unsent body a repeated completion with the same claim returns the chord again`() async throws {
        try await withResults { results, _ in
            let last = part("again", 0)
            try await results.open("again", size: 1)
            let chord = try #require(try await results.end(last))
            #expect(try await results.end(part("again", 0)) == nil)
            #expect(try await results.end(last) == chord)
            try await results.close(chord)
            #expect(try await results.end(last) == nil)
        }
    }

    @Test func `The results of a nested header have its structure`() async throws {
        try await withResults { results, redis in
            try await results.open("g", size: 3)
            let structure =
                #"{"result":[["g",null],[[["a",null],null],[["h",null],[[["b",null],null],[["c",null],null]]]]]}"#
            _ = try await redis.send(RedisCommand("SET", "celery-taskset-meta-g", structure))
            var chord: CompleteChord?
            for (index, id) in ["a", "b", "c"].enumerated() {
                try await results.store(meta(id, .success, .string(id)))
                var part = part("g", index)
                part.taskID = id
                chord = try await results.end(part)
            }
            #expect(chord?.outcome == .success(RawJSON(json: ["a", ["b", "c"]])))
        }
    }

    @Test func `A nested chord without a part's result, or with a failed one, fails`() async throws {
        try await withResults { results, redis in
            let structure = #"{"result":[["g",null],[[["a",null],null],[["h",null],[[["b",null],null]]]]]}"#
            for (group, end) in [("lost", nil), ("failed", meta("b", .failure, ["exc_type": "E"]))] {
                try await results.open(group, size: 1)
                _ = try await redis.send(RedisCommand("SET", "celery-taskset-meta-\(group)", structure))
                try await results.store([meta("a", .success)] + (end.map { [$0] } ?? []))
                let chord = try await results.end(part(group, 0))
                let reason = end == nil ? "TimeoutError('The operation timed out.')" : "E()"
                #expect(chord?.outcome == .failure(.chordError("Join error: \(reason)")))
            }
        }
    }
}

/// A completed part of a chord, whose value is its index.
private func part(_ group: String, _ index: Int) -> ChordPart {
    ChordPart(
        taskID: "task\(index)",
        group: group,
        index: index,
        state: .success,
        result: RawJSON(index),
        body: Signature(task: "body"),
        rootID: "root",
        claim: UniqueID.random().text
    )
}

/// Runs `body` with results in an empty database.
///
/// - Parameter url: The database; nil for a new one.
func withResults(
    _ settings: ResultSettings = ResultSettings(),
    at url: RedisURL? = nil,
    body: (RedisResults, ReconnectingRedisClient) async throws -> Void
) async throws {
    try await withChannels(settings, at: url) { results, redis, _ in try await body(results, redis) }
}

/// Runs `body` with results in an empty database, and channels.
func withChannels(
    _ settings: ResultSettings = ResultSettings(),
    at url: RedisURL? = nil,
    body: (RedisResults, ReconnectingRedisClient, RedisPubSub) async throws -> Void
) async throws {
    let database = if let url { url } else { try await RedisServer.shared().database() }
    let options = RedisOptions.patient(database)
    let (redis, channels) = (ReconnectingRedisClient(options), RedisPubSub(options))
    try await whileRunning(redis, channels) {
        try await body(RedisResults(redis: redis, settings: settings), redis, channels)
    }
}
