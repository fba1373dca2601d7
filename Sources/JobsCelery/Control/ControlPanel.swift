import DashJSON

/// Answers what is asked of a worker.
struct ControlPanel: Sendable {
    let node: String
    let worker: any ControlledWorker
    let revoked: RevokedTasks
    let events: EventDispatcher
    let broker: BrokerInformation

    /// A command: its answer, or nil if it has none.
    typealias Command = @Sendable (ControlPanel, ControlArguments) async throws -> JSON?

    /// Commands that only look; they may be answered while one that changes something is under way.
    static let inspections: [String: Command] = {
        let commands: [String: Command] = [
            "ping": { _, _ in ["ok": "pong"] }, "hello": { try $0.hello($1) }, "active": { await $0.active($1) },
            "reserved": { panel, _ in await panel.reserved() }, "scheduled": { panel, _ in await panel.scheduled() },
            "revoked": { panel, _ in .array(panel.revoked.ids.map { .string($0) }) },
            "registered": { await $0.registered($1) }, "query_task": { try await $0.queryTask($1) },
            "stats": { panel, _ in await panel.statistics() }, "active_queues": { try await $0.activeQueues($1) },
            "conf": { await $0.configuration($1) }, "clock": { panel, _ in ["clock": .int(panel.events.clock.value)] },
            "report": { try await $0.report($1) }, "memsample": { _, _ in .string(ResourceUsage.memoryText()) },
        ]
        let old = [
            "dump_active": "active", "dump_reserved": "reserved", "dump_schedule": "scheduled",
            "dump_revoked": "revoked", "dump_tasks": "registered", "dump_conf": "conf",
        ]
        return commands.merging(old.compactMapValues { commands[$0] }) { first, _ in first }
    }()

    /// Commands that change something.
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
        // The caller is told nothing, as from Celery: the worker is on its way out.
        "shutdown": { panel, _ in
            panel.worker.shutDown()
            return nil
        },
    ]

    /// Does what is asked and gives the answer, an error as Celery writes it; nil if there is none.
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

    /// An answer for people.
    static func ok(_ text: String) -> JSON { ["ok": .string(text)] }
}
