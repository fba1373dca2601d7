import CeleryProtocol
import DashJSON

/// Executes a worker's remote control commands. Replies equal those of Celery, except the texts of errors.
struct ControlPanel: Sendable {
    let parts: CeleryWorkerParts
    let worker: any ControlledWorker
    let events: EventDispatcher

    var node: String { parts.identity.node }
    private var revoked: RevokedTasks { parts.revoked }

    /// A command; returns its reply, or nil for none.
    typealias Command = @Sendable (ControlPanel, ControlArguments) async throws -> JSON?

    /// Read-only commands, which may run concurrently with a changing one.
    static let inspections: [String: Command] = [
        "ping": { _, _ in ["ok": "pong"] }, "hello": { try $0.hello($1) }, "active": { await $0.active($1) },
        "reserved": { panel, _ in .array(await panel.worker.snapshot().reserved.map { $0.json(node: panel.node) }) },
        "scheduled": { panel, _ in await panel.scheduled() },
        "revoked": { panel, _ in .array(panel.revoked.ids.map { .string($0) }) },
        "registered": { await $0.registered($1) }, "query_task": { try await $0.queryTask($1) },
        "stats": { panel, _ in await panel.statistics() },
        "active_queues": { panel, _ in .array(await panel.worker.snapshot().queues.map(WorkerSnapshot.queue)) },
        "conf": { panel, _ in .object(await panel.worker.snapshot().settings) },
        "clock": { panel, _ in ["clock": .int(panel.events.clock.value)] },
        "report": { panel, _ in await panel.report() },
    ]

    /// Commands that change the worker.
    static let commands: [String: Command] = [
        "revoke": { try await $0.revoke($1, terminate: $1.isTrue("terminate")) },
        "terminate": { try await $0.revoke($1, terminate: true) }, "rate_limit": { try await $0.rateLimit($1) },
        "time_limit": { try await $0.timeLimit($1) }, "pool_grow": { try await $0.resizePool($1, sign: 1) },
        "pool_shrink": { try await $0.resizePool($1, sign: -1) }, "add_consumer": { try await $0.addConsumer($1) },
        "cancel_consumer": { try await $0.cancelConsumer($1) },
        "enable_events": { panel, _ in ok("task events \(panel.events.enable() ? "" : "already ")enabled") },
        "disable_events": { panel, _ in ok("task events \(panel.events.disable() ? "" : "already ")disabled") },
        "heartbeat": { panel, _ in
            panel.events.send(.heartbeat)
            return .null
        },
        // No reply, as in Celery: the worker shuts down.
        "shutdown": { panel, _ in
            panel.worker.shutDown()
            return nil
        },
    ]

    /// Executes a request and returns the reply, an error, or nil for no reply.
    func answer(_ request: ControlRequest) async -> JSON? {
        do {
            guard let command = Self.inspections[request.method] ?? Self.commands[request.method] else {
                throw CeleryError.malformed("The command \(request.method) is unknown.")
            }
            return try await command(self, ControlArguments(method: request.method, values: request.arguments))
        } catch {
            return ["error": .string("\(error)")]
        }
    }

    static func ok(_ text: String) -> JSON { ["ok": .string(text)] }
}

// MARK: - Inspect

extension ControlPanel {
    /// Another worker started and sends its revoked tasks (a list, or from Celery 5.3 an object).
    func hello(_ arguments: ControlArguments) throws -> JSON {
        guard try arguments.text("from_node") != node else { return .null }
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

    /// Tasks that wait for their ETA. The priority is that of Celery's timer, always 6.
    func scheduled() async -> JSON {
        let tasks = await worker.snapshot().scheduled
        return .array(
            tasks.map { held in
                let eta = ISO8601.text(held.task.message.eta ?? 0)
                return ["eta": .string(eta), "priority": 6, "request": held.json(node: node)]
            }
        )
    }

    func registered(_ arguments: ControlArguments) async -> JSON {
        let asked = arguments["taskinfoitems"].orElements.compactMap(\.stringValue)
        let items = asked.isEmpty ? ["rate_limit"] : asked
        let tasks = await worker.snapshot().registered.filter {
            !$0.key.hasPrefix("celery.") || arguments.isTrue("builtins")
        }
        return .array(
            tasks.sorted { $0.key < $1.key }.map { name, rules in .string(rules.text(of: name, showing: items)) }
        )
    }

    /// The states of tasks by their IDs; tasks that this worker does not have are omitted.
    func queryTask(_ arguments: ControlArguments) async throws -> JSON {
        let ids = try arguments.texts("ids")
        let snapshot = await worker.snapshot()
        let here =
            snapshot.active.map { ("active", $0) } + snapshot.reserved.map { ("reserved", $0) }
            + snapshot.scheduled.map { ("scheduled", $0) }
        let tasks = Dictionary(here.map { ($0.1.task.id, $0) }) { first, _ in first }
        var answer = JSONObject()
        for id in ids {
            guard let (state, task) = tasks[id] else { continue }
            answer[id] = [.string(state), task.json(node: node)]
        }
        return .object(answer)
    }

    func statistics() async -> JSON {
        let (clock, broker) = (events.clock.value, parts.broker.information)
        return await worker.snapshot().statistics(clock: clock, broker: broker, process: events.process)
    }

    /// A description for bug reports.
    func report() async -> JSON {
        let settings = await worker.snapshot().settings
        let results = settings["result_backend"]?.stringValue ?? "disabled"
        return Self.ok(
            """

            software -> \(Software.name):\(Software.version) protocol:2
            platform -> system:\(Software.system)
            settings -> transport:\(parts.broker.information["transport"].stringValue ?? "") results:\(results)

            \(settings.map { "\($0.key): \($0.value.text)\n" }.joined())
            """
        )
    }
}

// MARK: - Change

extension ControlPanel {
    func rateLimit(_ arguments: ControlArguments) async throws -> JSON {
        let limit = try RateLimit.reading(arguments.required("rate_limit"))
        guard try await worker.setRateLimit(limit, of: arguments.text("task_name")) else { return Self.unknownTask }
        return Self.ok(limit == nil ? "rate limit disabled successfully" : "new rate limit set successfully")
    }

    func timeLimit(_ arguments: ControlArguments) async throws -> JSON {
        let limits = RunLimits(soft: arguments.number("soft"), hard: arguments.number("hard"))
        guard try await worker.setTimeLimits(limits, of: arguments.text("task_name")) else { return Self.unknownTask }
        return Self.ok("time limits set successfully")
    }

    func resizePool(_ arguments: ControlArguments, sign: Int) async throws -> JSON {
        let count = arguments["n"].isNull ? 1 : arguments.number("n").flatMap { Int(exactly: $0) }
        guard let count, (0...1_000).contains(count) else {
            throw CeleryError.malformed(
                "The argument n of the command \(arguments.method) must be 0 to 1000 processes."
            )
        }
        await worker.resizePool(by: sign * count)
        return Self.ok("pool will \(sign > 0 ? "grow" : "shrink")")
    }

    func addConsumer(_ arguments: ControlArguments) async throws -> JSON {
        let queue = try arguments.text("queue")
        try await worker.add(queue: queue)
        return Self.ok("add consumer \(queue)")
    }

    func cancelConsumer(_ arguments: ControlArguments) async throws -> JSON {
        let queue = try arguments.text("queue")
        try await worker.cancel(queue: queue)
        return Self.ok("no longer consuming from \(queue)")
    }

    /// Revokes tasks; with `terminate` also stops running ones.
    func revoke(_ arguments: ControlArguments, terminate: Bool) async throws -> JSON {
        var seen: Set<String> = []
        let ids = try arguments.texts("task_id").filter { seen.insert($0).inserted }
        let signal = terminate ? try SignalName.number(arguments["signal"]) : nil
        revoked.insert(ids)
        var ended: [String] = []
        if let signal { ended = await worker.terminate(ids, signal: signal) }
        let others = ids.filter { !ended.contains($0) }
        if !others.isEmpty { await worker.revoke(others) }
        if !terminate {
            return Self.ok("tasks {\(ids.map { "'\($0)'" }.joined(separator: ", "))} flagged as revoked")
        }
        return Self.ok("terminate: " + (ended.isEmpty ? "tasks unknown" : ended.joined(separator: ", ")))
    }

    private static let unknownTask: JSON = ["error": "unknown task"]
}
