import DashJSON

/// The results of a group whose parts are groups themselves, as Python stored their structure.
indirect enum ResultTree: Sendable, Hashable {
    case task(String)
    case group([ResultTree])

    /// Reads `[[id, parent], null]` of a task, or `[[id, parent], [child, …]]` of a group.
    init?(_ json: JSON) {
        guard let pair = json.arrayValue, pair.count == 2 else { return nil }
        if let children = pair[1].arrayValue {
            let trees = children.compactMap { ResultTree($0) }
            guard trees.count == children.count else { return nil }
            self = .group(trees)
        } else {
            guard let id = pair[0][0].stringValue ?? pair[0].stringValue else { return nil }
            self = .task(id)
        }
    }

    /// The tasks in order.
    var ids: [String] {
        switch self {
        case .task(let id): [id]
        case .group(let trees): trees.flatMap(\.ids)
        }
    }

    /// The tasks' values in this structure.
    func values(_ metas: [String: ResultMeta]) -> JSON {
        switch self {
        case .task(let id): metas[id]?.result.json ?? .null
        case .group(let trees): .array(trees.map { $0.values(metas) })
        }
    }
}

extension RedisResults {
    /// How long the results of parts are waited for, which are there already as a rule (`result_chord_join_timeout`).
    private static let patience = Duration.seconds(3)

    /// The results of a chord whose header has a structure, `{"result": tree}`.
    func joined(_ structure: [UInt8]) async -> Result<RawJSON, TaskException> {
        guard let json = try? PythonJSON.parse(structure), let tree = ResultTree(json["result"]) else {
            return .failure(.chordError("The structure of the chord's header cannot be read."))
        }
        var metas: [String: ResultMeta] = [:]
        for id in Set(tree.ids) {
            guard let meta = await end(of: id) else {
                return .failure(.chordError("Join error: TimeoutError('The operation timed out.')"))
            }
            if meta.status.propagates {
                return .failure(.chordError("Join error: \(meta.exception?.repr ?? "")"))
            }
            metas[id] = meta
        }
        return .success(RawJSON(json: tree.values(metas)))
    }

    /// The end of a task, waited for only for a time.
    private func end(of id: String) async -> ResultMeta? {
        await withTaskGroup(of: ResultMeta?.self) { group in
            group.addTask {
                guard let metas = try? await watch(id) else { return nil }
                return await metas.first { $0.status.isReady }
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
