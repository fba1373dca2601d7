import DashJSON

extension Signature {
    /// What a signature is made of.
    enum Kind: Sendable, Hashable {
        /// One task.
        case plain
        /// Several at once.
        case group
        /// One after the other.
        case chain
        /// Several at once, and one with all their results.
        case chord
    }

    var kind: Kind {
        switch subtaskType {
        case "group": .group
        case "chain": .chain
        case "chord": .chord
        default: .plain
        }
    }

    /// The tasks of a group or chain, or of a chord's header, with groups in groups and chains in chains dissolved.
    var members: [Signature] {
        let own: JSON
        switch kind {
        case .plain: return []
        case .group, .chain: own = keywords["tasks"] ?? []
        case .chord: own = header.keywords["tasks"] ?? []
        }
        let list = (try? Signature.list(own, "tasks")) ?? []
        let dissolved: Kind = kind == .chain ? .chain : .group
        return list.flatMap { $0.kind == dissolved ? $0.members : [$0] }.filter { $0.kind != .chain || $0.size > 0 }
    }

    /// The header of a chord, a group; Celery also writes a bare list.
    var header: Signature {
        let header = keywords["header"] ?? []
        if let group = try? Signature(header, "header"), group.kind == .group { return group }
        return .group((try? Signature.list(header, "header")) ?? [])
    }

    /// The body of a chord.
    var body: Signature? {
        keywords["body"].flatMap { try? Signature($0, "body") }
    }

    /// A group of tasks.
    static func group(_ tasks: [Signature]) -> Signature {
        var group = Signature(task: "celery.group", keywords: ["tasks": .array(tasks.map(\.json))])
        group.subtaskType = "group"
        return group
    }

    /// A chord of a group and a body.
    static func chord(header: Signature, body: Signature) -> Signature {
        var chord = Signature(
            task: "celery.chord",
            keywords: ["header": header.json, "body": body.json, "kwargs": [:]]
        )
        chord.subtaskType = "chord"
        return chord
    }

    /// How many parts of a chord it is.
    var size: Int {
        switch kind {
        case .plain: 1
        case .group: members.reduce(0) { $0 + $1.size }
        case .chain: members.reversed().lazy.map(\.size).first { $0 > 0 } ?? 0
        case .chord: body?.size ?? 0
        }
    }

    /// The steps of a chain as they are sent one after the other: a group before another step becomes a chord.
    var steps: [Signature] {
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

    /// The same with options added; `group_id` stays what it is, since a task counts for the group it was made for.
    func adding(_ added: JSONObject, except names: Set<String> = []) -> Signature {
        var (signature, options) = (self, options)
        for (name, value) in added where !names.contains(name) && !value.isNull {
            if name == "group_id", options[name]?.isNull == false { continue }
            options[name] = value
        }
        signature.options = options
        return signature
    }

    /// The same with signatures added to a list among the options, `link` or `link_error`.
    func linking(_ more: JSON?, _ name: String) -> Signature {
        guard let more = try? Signature.list(more, name), !more.isEmpty else { return self }
        let present = (try? Signature.list(options[name], name)) ?? []
        var signature = self
        signature.options[name] = Signature.json(present + more)
        return signature
    }
}
