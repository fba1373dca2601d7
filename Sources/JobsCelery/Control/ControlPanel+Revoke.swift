import DashJSON

extension ControlPanel {
    /// Tasks are not to be run, and with `terminate` not to run on.
    func revoke(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("task_id")
        return try await revoke(arguments, terminate: arguments.isTrue("terminate"))
    }

    func terminate(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("signal", "task_id")
        return try await revoke(arguments, terminate: true)
    }

    private func revoke(_ arguments: ControlArguments, terminate: Bool) async throws -> JSON {
        let ids = Self.unique(arguments.texts("task_id"))
        let signal = terminate ? try SignalName.number(arguments["signal"]) : nil
        revoked.insert(ids)
        var ended: [String] = []
        if let signal { ended = await worker.terminate(ids, signal: signal) }
        let others = ids.filter { !ended.contains($0) }
        if !others.isEmpty { await worker.revoke(others) }
        if !terminate { return Self.ok("tasks \(Self.setText(ids)) flagged as revoked") }
        return Self.ok("terminate: " + (ended.isEmpty ? "tasks unknown" : ended.joined(separator: ", ")))
    }

    /// Tasks with such stamps are not to be run: `{"name": value or values}`, or `["name=value"]`.
    func revokeByStamps(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("headers")
        let signal = try SignalName.number(arguments["signal"])
        let headers = try Self.stamps(arguments["headers"])
        for (name, values) in headers { revoked.insert(stamp: name, values: values.orElements) }
        let text = PythonText.of(.object(headers))
        guard arguments.isTrue("terminate") else {
            return Self.ok("headers \(text) flagged as revoked, but not terminated")
        }
        var found: [(name: String, values: [JSON])] = []
        var ids: [String] = []
        for task in await worker.snapshot().active {
            let matching = Self.matching(task.stamps, headers)
            if !matching.isEmpty { ids.append(task.id) }
            for (name, values) in matching {
                let place = found.firstIndex { $0.name == name }
                let known = place.map { found.remove(at: $0).values } ?? []
                found.append((name, known + values.filter { !known.contains($0) }))
            }
        }
        guard !ids.isEmpty else { return Self.ok("headers \(text) were not terminated") }
        _ = await worker.terminate(ids, signal: signal)
        let sets = found.map { "'\($0.name)': {\($0.values.map { PythonText.of($0) }.joined(separator: ", "))}" }
        return Self.ok("headers defaultdict(<class 'set'>, {\(sets.joined(separator: ", "))}) revoked")
    }

    /// Those of a task's stamps that are among others, with the values that they share.
    private static func matching(_ stamps: JSONObject, _ wanted: JSONObject) -> [(String, [JSON])] {
        wanted.compactMap { name, values in
            let shared = (stamps[name] ?? .null).orElements.filter { values.orElements.contains($0) }
            return shared.isEmpty ? nil : (name, shared)
        }
    }

    private static func stamps(_ headers: JSON) throws(PythonError) -> JSONObject {
        if let object = headers.objectValue { return object }
        var object = JSONObject()
        for text in headers.orElements.compactMap(\.stringValue) {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count > 1 else {
                throw PythonError(kind: "IndexError", argument: "list index out of range")
            }
            object[String(parts[0])] = .string(String(parts[1]))
        }
        return object
    }

    private static func unique(_ ids: [String]) -> [String] {
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }
    }

    /// A set of texts as Python writes one.
    private static func setText(_ ids: [String]) -> String {
        ids.isEmpty ? "set()" : "{\(ids.map { PythonText.quoted($0) }.joined(separator: ", "))}"
    }
}
