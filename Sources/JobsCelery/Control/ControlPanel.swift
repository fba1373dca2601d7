import CeleryProtocol
import DashJSON

/// Executes a worker's remote control commands. Replies equal those of Celery.
struct ControlPanel: Sendable {
    let node: String
    let worker: any ControlledWorker
    let revoked: RevokedTasks
    let events: EventDispatcher
    let broker: BrokerInformation

    /// A command; returns its reply, or nil for none.
    typealias Command = @Sendable (ControlPanel, ControlArguments) async throws -> JSON?

    /// Read-only commands, which may run concurrently with a changing one.
    static let inspections: [String: Command] = {
        let commands: [String: Command] = [
            "ping": { _, _ in ["ok": "pong"] }, "hello": { try $0.hello($1) }, "active": { await $0.active($1) },
            "reserved": { panel, _ in await panel.reserved() }, "scheduled": { panel, _ in await panel.scheduled() },
            "revoked": { panel, _ in .array(panel.revoked.ids.map { .string($0) }) },
            "registered": { await $0.registered($1) }, "query_task": { try await $0.queryTask($1) },
            "stats": { panel, _ in await panel.statistics() }, "active_queues": { try await $0.activeQueues($1) },
            "conf": { panel, _ in await panel.configuration() },
            "clock": { panel, _ in ["clock": .int(panel.events.clock.value)] },
            "report": { try await $0.report($1) }, "memsample": { _, _ in .string(ResourceUsage.memoryText()) },
        ]
        let old = [
            "dump_active": "active", "dump_reserved": "reserved", "dump_schedule": "scheduled",
            "dump_revoked": "revoked", "dump_tasks": "registered", "dump_conf": "conf",
        ]
        return commands.merging(old.compactMapValues { commands[$0] }) { first, _ in first }
    }()

    /// Commands that change the worker.
    static let commands: [String: Command] = [
        "revoke": { try await $0.revoke($1) }, "terminate": { try await $0.terminate($1) },
        "revoke_by_stamped_headers": { try await $0.revokeByStamps($1) }, "rate_limit": { try await $0.rateLimit($1) },
        "time_limit": { try await $0.timeLimit($1) }, "pool_grow": { try await $0.resizePool($1, sign: 1) },
        "pool_shrink": { try await $0.resizePool($1, sign: -1) },
        "autoscale": { _, arguments in
            try arguments.allowOnly("max", "min")
            throw PythonError.value("Autoscale not enabled")
        },
        "pool_restart": { _, _ in throw PythonError.value("Pool restarts not enabled") },
        "add_consumer": { try await $0.addConsumer($1) }, "cancel_consumer": { try await $0.cancelConsumer($1) },
        "enable_events": { try $0.enableEvents($1) }, "disable_events": { try $0.disableEvents($1) },
        "heartbeat": { try $0.heartbeat($1) }, "election": { _, _ in .null },
        // No reply, as in Celery: the worker shuts down.
        "shutdown": { panel, _ in
            panel.worker.shutDown()
            return nil
        },
    ]

    /// Executes a request and returns the reply, an error in Celery's format, or nil for no reply.
    func answer(_ request: ControlRequest) async -> JSON? {
        do {
            guard let command = Self.inspections[request.method] ?? Self.commands[request.method] else {
                throw PythonError.key(request.method)
            }
            return try await command(self, ControlArguments(method: request.method, values: request.arguments))
        } catch let error as PythonError {
            return ["error": .string(error.answer)]
        } catch {
            return ["error": .string(PythonError(kind: "RuntimeError", argument: "\(error)").text)]
        }
    }

    static func ok(_ text: String) -> JSON { ["ok": .string(text)] }
}

// MARK: - Inspect

extension ControlPanel {
    /// Another worker started and sends its revoked tasks (a list, or from Celery 5.3 an object).
    func hello(_ arguments: ControlArguments) throws -> JSON {
        try arguments.require("from_node")
        guard arguments["from_node"] != .string(node) else { return .null }
        learn(arguments["revoked"])
        return ["revoked": .array(revoked.ids.map { .string($0) }), "clock": .int(events.clock.forward())]
    }

    /// Adopts the revoked tasks and the clock in another worker's reply to `hello`.
    func learn(from answer: BrokerMessage) {
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

    /// The states of tasks by their IDs; tasks that this worker does not have are omitted.
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

    func configuration() async -> JSON {
        .object(Secrets.masked(await worker.snapshot().settings))
    }

    /// A description for bug reports.
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

// MARK: - Change

extension ControlPanel {
    func rateLimit(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("task_name", "rate_limit")
        let limit = try RateLimit.reading(arguments["rate_limit"])
        guard await worker.setRateLimit(limit, of: arguments.text("task_name") ?? "") else { return Self.unknownTask }
        // As in Celery, the text "0" counts as a limit.
        let isLimit = arguments.isTrue("rate_limit")
        return Self.ok(isLimit ? "new rate limit set successfully" : "rate limit disabled successfully")
    }

    func timeLimit(_ arguments: ControlArguments) async throws -> JSON {
        let soft = arguments.number("soft")
        let hard = arguments.number("hard")
        guard await worker.setTimeLimit(soft: soft, hard: hard, of: arguments.text("task_name") ?? "") else {
            return Self.unknownTask
        }
        return Self.ok("time limits set successfully")
    }

    func resizePool(_ arguments: ControlArguments, sign: Int) async throws -> JSON {
        let count = arguments["n"].isNull ? 1 : arguments.wholeNumber("n")
        guard let count, (0...1_000).contains(count) else {
            throw PythonError.value("n must be a number of processes")
        }
        await worker.resizePool(by: sign * count)
        return Self.ok("pool will \(sign > 0 ? "grow" : "shrink")")
    }

    func addConsumer(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("queue")
        let queue = arguments.text("queue") ?? ""
        try await worker.add(queue: queue)
        return Self.ok("add consumer \(queue)")
    }

    func cancelConsumer(_ arguments: ControlArguments) async throws -> JSON {
        try arguments.require("queue")
        let queue = arguments.text("queue") ?? ""
        try await worker.cancel(queue: queue)
        return Self.ok("no longer consuming from \(queue)")
    }

    func enableEvents(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        return Self.ok(events.enable() ? "task events enabled" : "task events already enabled")
    }

    func disableEvents(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        return Self.ok(events.disable() ? "task events disabled" : "task events already disabled")
    }

    func heartbeat(_ arguments: ControlArguments) throws -> JSON {
        try arguments.allowOnly()
        events.send(.requestedHeartbeat)
        return .null
    }

    private static let unknownTask: JSON = ["error": "unknown task"]
}

// MARK: - Revoke

extension ControlPanel {
    /// Revokes tasks; with `terminate` also stops running ones.
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

    /// Revokes tasks with given stamps: `{"name": value or values}`, or `["name=value"]`.
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

    /// The stamps of a task that match wanted ones, with their shared values.
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

    /// A set of texts in Python's format.
    private static func setText(_ ids: [String]) -> String {
        ids.isEmpty ? "set()" : "{\(ids.map { PythonText.quoted($0) }.joined(separator: ", "))}"
    }
}
