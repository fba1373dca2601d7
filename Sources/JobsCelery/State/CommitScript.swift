import Synchronization

/// The script that applies a transition to a record: all its changes, or none if a guard does not hold.
///
/// It has the functions of the operations that a transition needs, and reads the fields that its guards need: what is defined or
/// read without need costs Redis time at each call.
///
/// In a call an operation is a name, the number of its arguments, and these. `ARGV` holds id, clock, the commit's name and what it
/// is to answer, then the operations. The answer: what became of it (`applied`, `repeated` or `refused`), for a refusal the number
/// of the guard and what it found, what the last change that has an answer gave, and the record's facts.
struct CommitScript: Hashable, Sendable {
    /// Bits, by the numbers of operations and the places of fields.
    private var operations: UInt64 = 0
    private var fields: UInt64 = 0

    private static let made = Mutex<[CommitScript: RedisScript]>([:])

    /// The script. Each is made once.
    var composed: RedisScript {
        Self.made.withLock { made in
            if let script = made[self] { return script }
            let script = RecordScripts.script("commit", parts)
            made[self] = script
            return script
        }
    }

    /// Has the script know an operation.
    mutating func insert(_ operation: CommitOperation) {
        let bit: UInt64 = 1 << operation.rawValue
        guard operations & bit == 0 else { return }
        operations |= bit
        for other in operation.needs { insert(other) }
        for field in operation.fields { read(field) }
    }

    /// Has the script read a field of the record, as it is before the transition.
    mutating func read(_ field: String) {
        guard let place = RecordFacts.guardFields.firstIndex(of: field) else {
            preconditionFailure("No guard reads the field \(field).")
        }
        fields |= 1 << place
    }

    // MARK: Its text

    private var parts: [String] {
        let operations = CommitOperation.allCases.filter { self.operations & 1 << $0.rawValue != 0 }
        var helpers: [String] = []
        for text in operations.flatMap(\.helpers) where !helpers.contains(text) { helpers.append(text) }
        let functions = operations.map { operation in
            "function \(operation.isGuard ? "guards" : "changes").\(operation.name)\(operation.source) end"
        }
        return [reading] + helpers + functions + [Self.interpreter]
    }

    private var reading: String {
        let names = RecordFacts.guardFields.enumerated().filter { fields & 1 << $0.offset != 0 }.map(\.element)
        let start = "local guards, changes, answer, record = {}, {}, '', {}"
        guard !names.isEmpty else { return start }
        return """
            \(start)
            local read = {\(names.map { "'\($0)'" }.joined(separator: ", "))}
            for place, value in ipairs(redis.call('HMGET', job, unpack(read))) do record[read[place]] = value end
            """
    }

    private static let interpreter = """
        local function facts() return redis.call('HMGET', job, \(RecordFacts.fields.map { "'\($0)'" }.joined(separator: ", "))) end
        if ARGV[3] ~= '' and (record.commit == ARGV[3] or record.ended == ARGV[3]) then return {'repeated', 0, '', facts()} end
        local place, i = 0, 5
        while i <= #ARGV do
          local name, last = ARGV[i], i + 1 + ARGV[i + 1]
          if guards[name] then
            place = place + 1
            local holds, found = guards[name](unpack(ARGV, i + 2, last))
            if not holds then return {'refused', place, found or '', facts()} end
          else
            changes[name](unpack(ARGV, i + 2, last))
          end
          i = last + 1
        end
        return {'applied', 0, answer, ARGV[4] == 'facts' and facts()}
        """
}
