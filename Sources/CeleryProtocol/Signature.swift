package import DashJSON

/// A task to be sent later, embedded in a message: a chain's step, a callback, a chord's body.
///
/// All members are kept, so that a signature of another program is forwarded unchanged.
package struct Signature: Sendable, Hashable, JSONEncodable {
    private var fields: JSONObject

    package init(
        task: String,
        arguments: [JSON] = [],
        kwargs: JSONObject = JSONObject(),
        options: JSONObject = JSONObject(),
        isImmutable: Bool = false
    ) {
        fields = [
            "task": .string(task),
            "args": .array(arguments),
            "kwargs": .object(kwargs),
            "options": .object(options),
            "subtask_type": nil,
            "immutable": .bool(isImmutable),
        ]
    }

    /// Reads a signature; `place` is its position, for the error message.
    package init(_ json: JSON, _ place: String) throws(CeleryError) {
        guard let members = json.objectValue, let task = members["task"]?.stringValue, !task.isEmpty else {
            throw .malformed("\(place) is \(json.excerpt), not a signature with a task name.")
        }
        for (name, isRight) in Self.shapes {
            if let value = members[name], !value.isNull, !isRight(value) {
                throw .malformed("\(place), the signature of \(task), has an invalid \(name): \(value.excerpt).")
            }
        }
        fields = members
    }

    /// The registered name of the task.
    package var task: String { fields["task"]?.stringValue ?? "" }

    /// The positional arguments.
    package var arguments: [JSON] { fields["args"]?.arrayValue ?? [] }

    /// The named arguments.
    package var kwargs: JSONObject {
        get { fields["kwargs"]?.objectValue ?? JSONObject() }
        set { fields["kwargs"] = .object(newValue) }
    }

    /// Options of sending it: `task_id`, `queue`, `link`, `countdown` and others.
    package var options: JSONObject {
        get { fields["options"]?.objectValue ?? JSONObject() }
        set { fields["options"] = .object(newValue) }
    }

    /// `group`, `chain` or `chord`; nil for a plain task.
    package var subtaskType: String? {
        get { fields["subtask_type"]?.stringValue }
        set { fields["subtask_type"] = .string(orNull: newValue) }
    }

    /// Whether the preceding result is not prepended to the arguments.
    package var isImmutable: Bool { fields["immutable"]?.boolValue ?? false }

    /// The task's ID; nil to let the sender choose one.
    package var taskID: String? {
        get { options["task_id"]?.stringValue }
        set { options["task_id"] = newValue.map { .string($0) } }
    }

    package var json: JSON { .object(fields) }

    package func encode(to writer: inout JSONWriter) { fields.encode(to: &writer) }

    private static let shapes: [(String, @Sendable (JSON) -> Bool)] = [
        ("args", { $0.arrayValue != nil }),
        ("kwargs", { $0.objectValue != nil }),
        ("options", { $0.objectValue != nil }),
    ]
}

extension Signature {
    /// Reads null, a list of signatures, or a single one.
    package static func list(_ json: JSON?, _ place: String) throws(CeleryError) -> [Signature] {
        switch json {
        case nil, .null: return []
        case .object?: return [try Signature(json ?? nil, place)]
        case .array(let elements)?:
            var signatures: [Signature] = []
            for (number, element) in elements.enumerated() {
                signatures.append(try Signature(element, "\(place)[\(number)]"))
            }
            return signatures
        case let other?: throw .malformed("\(place) is \(other.excerpt), not a list of signatures.")
        }
    }

    /// A list of signatures in a message: null if empty.
    package static func json(_ signatures: [Signature]) -> JSON {
        signatures.isEmpty ? .null : .array(signatures.map(\.json))
    }
}

extension Signature {
    package enum Kind: Sendable, Hashable {
        /// One task.
        case plain
        /// Concurrent tasks.
        case group
        /// Consecutive tasks.
        case chain
        /// A group and a task that receives all its results.
        case chord
    }

    package var kind: Kind {
        switch subtaskType {
        case "group": .group
        case "chain": .chain
        case "chord": .chord
        default: .plain
        }
    }

    /// The tasks of a group, a chain or a chord's header; groups in groups and chains in chains are flattened.
    package var members: [Signature] {
        let own: JSON
        switch kind {
        case .plain: return []
        case .group, .chain: own = kwargs["tasks"] ?? []
        case .chord: own = header.kwargs["tasks"] ?? []
        }
        let list = (try? Signature.list(own, "tasks")) ?? []
        let dissolved: Kind = kind == .chain ? .chain : .group
        return list.flatMap { $0.kind == dissolved ? $0.members : [$0] }.filter { $0.kind != .chain || $0.size > 0 }
    }

    /// The header of a chord: a group, or a bare list, which Celery also writes.
    package var header: Signature {
        let header = kwargs["header"] ?? []
        if let group = try? Signature(header, "header"), group.kind == .group { return group }
        return .group((try? Signature.list(header, "header")) ?? [])
    }

    package var body: Signature? {
        kwargs["body"].flatMap { try? Signature($0, "body") }
    }

    package static func group(_ tasks: [Signature]) -> Signature {
        var group = Signature(task: "celery.group", kwargs: ["tasks": .array(tasks.map(\.json))])
        group.subtaskType = "group"
        return group
    }

    package static func chord(header: Signature, body: Signature) -> Signature {
        var chord = Signature(task: "celery.chord", kwargs: ["header": header.json, "body": body.json, "kwargs": [:]])
        chord.subtaskType = "chord"
        return chord
    }

    /// The number of chord parts it counts for.
    package var size: Int {
        switch kind {
        case .plain: 1
        case .group: members.reduce(0) { $0 + $1.size }
        case .chain: members.reversed().lazy.map(\.size).first { $0 > 0 } ?? 0
        case .chord: body?.size ?? 0
        }
    }

    /// The steps of a chain in order; a group before another step becomes a chord.
    package var steps: [Signature] {
        var steps: [Signature] = []
        for member in members.reversed() {
            let member = member.kind == .group && member.members.count == 1 ? member.members[0] : member
            if member.kind == .group, member.members.isEmpty { continue }
            if member.kind == .group, let next = steps.popLast() {
                steps.append(.chord(header: member, body: next))
            } else {
                steps.append(member)
            }
        }
        return steps.reversed()
    }

    /// Returns a copy with options added. An existing `group_id` is kept: a task counts for its original group.
    package func adding(_ added: JSONObject, except names: Set<String> = []) -> Signature {
        var (signature, options) = (self, options)
        for (name, value) in added where !names.contains(name) && !value.isNull {
            if name == "group_id", options[name]?.isNull == false { continue }
            options[name] = value
        }
        signature.options = options
        return signature
    }

    /// Returns a copy with signatures appended to the option `link` or `link_error`.
    package func linking(_ more: JSON?, _ name: String) -> Signature {
        guard let more = try? Signature.list(more, name), !more.isEmpty else { return self }
        let present = (try? Signature.list(options[name], name)) ?? []
        var signature = self
        signature.options[name] = Signature.json(present + more)
        return signature
    }
}

extension Signature {
    /// The positional arguments, preceded by `prefix` unless the signature is immutable.
    package func arguments(behind prefix: [RawJSON]) -> RawJSON {
        guard !isImmutable, !prefix.isEmpty else { return RawJSON(json: .array(arguments)) }
        var writer = JSONWriter(capacity: prefix.reduce(256) { $0 + $1.bytes.count })
        writer.array(of: prefix + arguments.map { RawJSON(json: $0) })
        return RawJSON(unchecked: writer.bytes)
    }
}
