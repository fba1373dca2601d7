import Jobs
import Support

@testable import CeleryProtocol
@testable import JobsCelery

/// A worker's remote control with a scripted broker and a scripted worker.
struct ControlTestBench {
    let worker: ScriptedWorker
    let broker: ScriptedBroker
    let parts: CeleryWorkerParts
    let events: EventDispatcher
    let service: ControlService

    init(
        worker: ScriptedWorker = ScriptedWorker(),
        broker: ScriptedBroker = ScriptedBroker(),
        process: Int = 1,
        clock: Int = 0,
        mode: EventDispatcher.Mode = .always,
        interval: Duration = .seconds(2),
        mingles: Bool = true,
        greeted: AsyncLatch<Void>? = nil
    ) {
        self.worker = worker
        self.broker = broker
        events = EventDispatcher(
            broker: broker,
            source: EventSource(node: "worker1@host", process: process, utcOffset: 0),
            mode: mode,
            interval: interval,
            clock: LamportClock(clock)
        )
        var parts = CeleryWorkerParts.test(broker, worker: "worker1@host")
        parts.options.mingles = mingles
        parts.greeted = greeted
        self.parts = parts
        service = ControlService(parts, worker, events)
    }

    var revoked: RevokedTasks { parts.revoked }

    /// Runs the service, sends it messages, and stops it when `seen` returns.
    @discardableResult
    func sending<Value: Sendable>(
        _ messages: BrokerMessage...,
        until seen: (ScriptedBroker) async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await service.run() }
            for message in messages { broker.broadcast.continuation.yield(message) }
            let value = try await seen(broker)
            group.cancelAll()
            return value
        }
    }
}
