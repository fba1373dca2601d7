import DashJSON

extension RedisResults: ChordStore {
    /// Celery's times with its defaults, in seconds: twice the time for joining, the time for sending, and how long late
    /// duplicates are kept off.
    private static let (claimTime, sendingTime, doneTime) = (6, 21, 300)

    func open(_ group: String, size: Int) async throws {
        let size =
            settings.expires > 0
            ? RedisCommand("SET", settings.groupKey(group, ".s"), size, "EX", settings.expires)
            : RedisCommand("SET", settings.groupKey(group, ".s"), size)
        for answer in try await redis.send([RedisCommand("DEL", settings.groupKey(group, ".c")), size]) {
            if case .error(let message) = answer { throw CeleryError(.server, "Redis: \(message)") }
        }
    }

    func end(_ part: ChordPart) async throws -> CompleteChord? {
        let record = JSONRecord(part).jsonBytes()
        let answer = try await redis.run(
            ResultScripts.endPart,
            keys: [".j", ".t", ".s", ".d", "", ".c"].map { settings.groupKey(part.group, $0) },
            arguments: [
                part.taskID, record, part.index.map(String.init) ?? "+inf", settings.expires, settings.expires,
                Self.claimTime, part.claim,
            ]
        )
        guard let parts = answer.elements, parts.count == 2, let records = parts[1].elements else { return nil }
        let outcome: Result<RawJSON, TaskException>
        if let structure = parts[0].bytes {
            outcome = await joined(structure)
        } else {
            outcome = Self.results(records.compactMap(\.bytes))
        }
        return CompleteChord(part: part, outcome: outcome)
    }

    func keep(_ chord: CompleteChord) async throws -> Bool {
        let answer = try await redis.run(
            ResultScripts.keepClaim,
            keys: [".c", ".s"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.sendingTime]
        )
        return answer.integer == 1
    }

    func close(_ chord: CompleteChord) async throws {
        _ = try await redis.run(
            ResultScripts.closeChord,
            keys: [".c", ".j", ".t", ".s", ".d"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.doneTime]
        )
    }

    func fail(_ chord: CompleteChord) async throws {
        // A copy of a part that ends later must not make the chord fail again.
        _ = try await redis.send(RedisCommand("DEL", settings.groupKey(chord.part.group, ".s")))
    }

    /// The results that the parts left, in order; the first that failed makes the chord fail.
    static func results(_ records: [[UInt8]]) -> Result<RawJSON, TaskException> {
        var results: [RawJSON] = []
        for record in records {
            guard let part = JSONRecord(reading: record) else {
                return .failure(.chordError("A part of the chord left no readable result."))
            }
            if part.state.propagates {
                let cause = TaskException(json: part.result.json)
                return .failure(.chordError("Dependency \(part.taskID) raised \(cause.repr)"))
            }
            results.append(part.result)
        }
        var writer = JSONWriter()
        writer.array(of: results)
        return .success(RawJSON(unchecked: writer.bytes))
    }
}

/// The record of a chord's part: `[1, id, status, result]`.
struct JSONRecord: JSONEncodable {
    var taskID: String
    var state: TaskState
    var result: RawJSON

    init(_ part: ChordPart) {
        (taskID, state, result) = (part.taskID, part.state, part.result)
    }

    /// Reads a record; nil if it is none.
    init?(reading text: [UInt8]) {
        guard let parts = try? JSONScanner.elements(of: PythonJSON.strict(text)[...]), parts.count == 4,
            let id = try? JSON(parsing: Array(parts[1])).stringValue,
            let state = try? JSON(parsing: Array(parts[2])).stringValue
        else { return nil }
        (taskID, self.state, result) = (id, TaskState(rawValue: state), RawJSON(unchecked: Array(parts[3])))
    }

    func encode(to writer: inout JSONWriter) {
        writer.array(of: [RawJSON(1), RawJSON(taskID), RawJSON(state.rawValue), result])
    }
}
