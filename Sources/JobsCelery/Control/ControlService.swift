import CeleryProtocol
import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Support

/// A worker's remote control and events: replies to requests and publishes heartbeats.
///
/// It must run until the worker's tasks have completed, so that they can be terminated and their events are published,
/// and stop before the broker, so that the final event is published.
final class ControlService: Service {
    private let parts: CeleryWorkerParts
    private let panel: ControlPanel
    /// The clock of requests and replies; events have another one, as in Celery.
    private let requestClock = LamportClock()
    private let changes = AsyncStream<ControlRequest>.makeStream()

    /// - Parameters:
    ///   - parts: Those of the worker, which waits for `greeted` before it consumes messages.
    ///   - events: The dispatcher of the worker's task events.
    init(_ parts: CeleryWorkerParts, _ worker: any ControlledWorker, _ events: EventDispatcher) {
        self.parts = parts
        panel = ControlPanel(parts: parts, worker: worker, events: events)
    }

    func run() async {
        let events = panel.events
        let worker = panel.worker
        await withTaskGroup { group in
            group.addTask { await events.deliver { worker.load } }
            await cancelWhenGracefulShutdown { await self.work() }
            events.send(.offline)
            events.finish()
        }
    }

    /// Runs until it is cancelled.
    private func work() async {
        await withDiscardingTaskGroup { group in
            let (asked, answered) = (AsyncLatch<Void>(), AsyncLatch<Void>())
            group.addTask {
                await self.greet(asked)
                answered.open()
            }
            // An earlier subscription would receive the worker's own `hello` and count as a worker to wait for.
            await asked.passed()
            let requests = parts.broker.broadcasts()
            group.addTask {
                await answered.passed()
                // Revocations of tasks consumed earlier could be missed.
                await self.listens()
                self.parts.greeted?.open()
            }
            group.addTask {
                self.panel.events.send(.online)
                if self.parts.options.sendsHeartbeats { await self.panel.events.beat() }
            }
            group.addTask { await self.change() }
            for await message in requests {
                guard let request = request(message) else { continue }
                if ControlPanel.inspections[request.method] != nil {
                    group.addTask { await self.answer(request) }
                } else {
                    changes.continuation.yield(request)
                }
            }
        }
    }

    /// Reads a request; nil if it does not address this worker.
    private func request(_ message: BrokerMessage) -> ControlRequest? {
        panel.events.clock.forward()
        do {
            let request = try ControlRequest(message)
            requestClock.adjust(to: request.clock)
            return request.concerns(panel.node) ? request : nil
        } catch {
            parts.logger.warning("Ignoring an invalid remote control request.", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Executes changing commands one at a time.
    private func change() async {
        for await request in changes.stream { await answer(request) }
    }

    private func answer(_ request: ControlRequest) async {
        parts.logger.debug("Received a remote control request.", metadata: ["method": "\(request.method)"])
        guard let value = await panel.answer(request), !Task.isCancelled else { return }
        guard let reply = request.reply(of: panel.node, value, clock: requestClock.forward()) else { return }
        do {
            try await parts.broker.reply(reply)
        } catch {
            parts.logger.warning(
                "Could not send a remote control reply.",
                metadata: ["method": "\(request.method)", "error": "\(error)"]
            )
        }
    }

    /// Requests the revoked tasks of the other workers, as Celery does, so that a task revoked earlier does not run
    /// here. No message is consumed before they have replied; without other workers there is no wait, and on Redis it
    /// ends with the last reply.
    ///
    /// The request waits for a connection, so that the first event, which does not, is not lost.
    private func greet(_ asked: AsyncLatch<Void>) async {
        defer { asked.open() }
        guard parts.options.mingles else { return }
        let greeting = ControlRequest(method: "hello", arguments: ["from_node": .string(panel.node), "revoked": []])
        do {
            // Celery's timeout.
            try await parts.broker.ask(greeting, within: .seconds(1)) {
                asked.open()
            } heard: { [panel] answer in
                panel.learn(from: answer)
            }
        } catch {
            parts.logger.debug("Could not request the revoked tasks of other workers.", metadata: ["error": "\(error)"])
        }
    }

    /// Waits until requests are received. After a timeout the worker starts regardless.
    private func listens() async {
        await withTaskGroup { group in
            group.addTask { await self.parts.broker.hearsBroadcasts() }
            group.addTask { try? await Task.sleep(for: .seconds(5)) }
            await group.next()
            group.cancelAll()
        }
    }
}

extension CeleryBroker {
    /// Revokes tasks on all workers, without waiting for replies.
    ///
    /// - Parameters:
    ///   - terminate: Whether to stop running tasks too, by a signal to their process.
    ///   - signal: The signal's name. Python workers stop a task immediately on `SIGTERM` and `SIGKILL`.
    /// - Throws: `CeleryError` if the broker cannot be reached.
    func revoke(_ ids: [String], terminate: Bool, signal: String = "SIGTERM") async throws {
        let request = ControlRequest(
            method: "revoke",
            arguments: [
                "task_id": .array(ids.map { .string($0) }), "terminate": .bool(terminate), "signal": .string(signal),
            ],
            clock: 1
        )
        // Celery's expiry of requests: an hour.
        try await broadcast(request.message(expires: WallClock.seconds() + 3600))
    }
}
