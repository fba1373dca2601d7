import DashJSON

extension ControlPanel {
    /// Another worker started and tells which tasks it knows to be revoked (a list, or of Celery 5.3 an object).
    func hello(_ arguments: ControlArguments) throws -> JSON {
        try arguments.require("from_node")
        guard arguments["from_node"] != .string(node) else { return .null }
        learn(arguments["revoked"])
        return ["revoked": .array(revoked.ids.map { .string($0) }), "clock": .int(events.clock.forward())]
    }

    /// What another worker answered to a greeting.
    func learn(from answer: RawTask) {
        for (_, value) in (try? JSON(parsing: answer.body))?.objectValue ?? [:] {
            learn(value["revoked"])
            events.clock.adjust(to: value["clock"].intValue ?? 0)
        }
    }

    private func learn(_ ids: JSON) {
        switch ids {
        case .object(let ids): revoked.insert(ids.keys)
        default: revoked.insert(ids.orElements.compactMap(\.stringValue))
        }
    }

    func active(_ arguments: ControlArguments) async -> JSON {
        let isSafe = arguments.isTrue("safe")
        return .array(await worker.snapshot().active.map { $0.json(node: node, isSafe: isSafe) })
    }

    func reserved() async -> JSON {
        .array(await worker.snapshot().reserved.map { $0.json(node: node) })
    }

    func scheduled() async -> JSON {
        .array(await worker.snapshot().scheduled.map { $0.json(node: node) })
    }

    func registered(_ arguments: ControlArguments) async -> JSON {
        let asked = arguments.texts("taskinfoitems").filter { !$0.hasPrefix("_") }
        let items = asked.isEmpty ? ["exchange", "routing_key", "rate_limit"] : asked
        let tasks = await worker.snapshot().registered.filter {
            !$0.name.hasPrefix("celery.") || arguments.isTrue("builtins")
        }
        return .array(tasks.sorted { $0.name < $1.name }.map { .string($0.text(showing: items)) })
    }

    /// What is known of tasks by their ids; of those that are not here nothing.
    func queryTask(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("ids")
        let snapshot = await worker.snapshot()
        let here =
            snapshot.active.map { ("active", $0) } + snapshot.reserved.map { ("reserved", $0) }
            + snapshot.scheduled.map { ("scheduled", $0.task) }
        let tasks = Dictionary(here.map { ($0.1.id, $0) }) { first, _ in first }
        var answer = JSONObject()
        for id in arguments.texts("ids") {
            guard let (state, task) = tasks[id] else { continue }
            answer[id] = [.string(state), task.json(node: node)]
        }
        return .object(answer)
    }

    func statistics() async -> JSON {
        await worker.snapshot().statistics(
            clock: events.clock.value,
            broker: broker,
            process: events.source.process,
            usage: .current()
        )
    }

    func activeQueues(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.allowOnly()
        return .array(await worker.snapshot().queues.map(\.json))
    }

    func configuration(_ arguments: ControlArguments) async -> JSON {
        let snapshot = await worker.snapshot()
        var settings = arguments.isTrue("with_defaults") ? snapshot.defaultSettings : JSONObject()
        for (key, value) in snapshot.settings { settings[key] = value }
        return .object(Secrets.masked(settings))
    }

    /// A text to go with a question to other people.
    func report(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.allowOnly()
        let settings = Secrets.masked(await worker.snapshot().settings)
        let lines = settings.map { "\($0.key): \(PythonText.of($0.value))\n" }.joined()
        let results = settings["result_backend"]?.stringValue ?? "disabled"
        return Self.ok(
            """

            software -> \(events.source.software.name):\(events.source.software.version) protocol:2
            platform -> system:\(events.source.software.system)
            settings -> transport:\(broker.transport) results:\(results)

            \(lines)
            """
        )
    }
}
