import DashJSON
import Logging
import ServiceLifecycle
import Support

/// A worker's voice: answers what is asked of the workers, and tells that the worker lives.
///
/// It has to stand until the worker's tasks have ended, so that those can still be terminated and their ends are told;
/// and end before the broker does, so that its last word goes out.
final class ControlService: Service {
    private let broker: any CeleryBroker
    private let panel: ControlPanel
    private let beats: Bool
    private let mingles: Bool
    private let logger: Logger
    /// The clock of requests and answers, which is another one than that of events, as in Celery.
    private let requestClock = LamportClock()
    private let changes = AsyncStream<ControlRequest>.makeStream()
    /// Opened when the others had their time to tell what is revoked.
    private let greeted: AsyncLatch<Void>?

    /// - Parameters:
    ///   - greeted: What the worker waits for before it takes messages.
    ///   - revoked: Shared with the worker, which asks it.
    ///   - events: Where the worker tells about its tasks.
    ///   - beats: Whether it tells again and again that it lives.
    ///   - mingles: Whether it asks the others what is revoked.
    init(
        node: String,
        broker: any CeleryBroker,
        worker: any ControlledWorker,
        revoked: RevokedTasks,
        events: EventDispatcher,
        beats: Bool = true,
        mingles: Bool = true,
        greeted: AsyncLatch<Void>? = nil,
        logger: Logger
    ) {
        self.greeted = greeted
        self.broker = broker
        self.beats = beats
        self.mingles = mingles
        self.logger = logger
        panel = ControlPanel(
            node: node,
            worker: worker,
            revoked: revoked,
            events: events,
            broker: broker.information
        )
    }

    func run() async {
        let events = panel.events
        let worker = panel.worker
        await withTaskGroup { group in
            group.addTask { await events.deliver { worker.load } }
            await cancelWhenGracefulShutdown { await self.work() }
            events.tell(.offline)
            events.finish()
        }
    }

    /// Until it is cancelled.
    private func work() async {
        await withDiscardingTaskGroup { group in
            let (asked, answered) = (AsyncLatch<Void>(), AsyncLatch<Void>())
            group.addTask {
                await self.greet(asked)
                answered.open()
            }
            // Who listens before would get its own greeting, and count itself among those to wait for.
            await asked.passed()
            let requests = broker.broadcasts()
            group.addTask {
                await answered.passed()
                // A task that is taken before could be revoked where nobody hears it.
                await self.listens()
                self.greeted?.open()
            }
            group.addTask {
                self.panel.events.tell(.online)
                if self.beats { await self.beat() }
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

    /// A request that concerns this worker.
    private func request(_ message: BrokerMessage) -> ControlRequest? {
        panel.events.clock.forward()
        do {
            let request = try ControlRequest(message)
            requestClock.adjust(to: request.clock)
            return request.concerns(panel.node) ? request : nil
        } catch {
            logger.warning("A message to all workers is not understood.", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// What changes something is done one after the other.
    private func change() async {
        for await request in changes.stream { await answer(request) }
    }

    private func answer(_ request: ControlRequest) async {
        logger.debug("Asked from remote.", metadata: ["method": "\(request.method)"])
        guard let value = await panel.answer(request), !Task.isCancelled else { return }
        guard let reply = request.reply(of: panel.node, value, clock: requestClock.forward()) else { return }
        do {
            try await broker.reply(reply)
        } catch {
            logger.warning(
                "An answer could not be sent.",
                metadata: ["method": "\(request.method)", "error": "\(error)"]
            )
        }
    }

    /// Greets the other workers as Celery's do, and learns what is revoked: a message that was revoked while it waited with
    /// another worker is not run by this one. So no message is taken before they have answered; alone, a worker does not
    /// wait, and on Redis it does not longer than the slowest of them needs.
    ///
    /// Events wait for no connection, the greeting does: so the first word is not lost while there is none yet.
    private func greet(_ asked: AsyncLatch<Void>) async {
        defer { asked.open() }
        guard mingles else { return }
        let greeting = ControlRequest(method: "hello", arguments: ["from_node": .string(panel.node), "revoked": []])
        do {
            // The time that Celery waits.
            try await broker.ask(greeting, within: .seconds(1)) {
                asked.open()
            } heard: { [panel] answer in
                panel.learn(from: answer)
            }
        } catch {
            logger.debug("Nobody could be greeted.", metadata: ["error": "\(error)"])
        }
    }

    /// Waits until requests are heard; a broker that does not let us listen stops no worker.
    private func listens() async {
        await withTaskGroup { group in
            group.addTask { await self.broker.hearsBroadcasts() }
            group.addTask { try? await Task.sleep(for: .seconds(5)) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Tells again and again that the worker lives.
    private func beat() async {
        let clock = ContinuousClock()
        var next = clock.now
        while !Task.isCancelled {
            next = max(next + panel.events.interval, clock.now)
            // No polling: a heartbeat is a thing of time.
            try? await clock.sleep(until: next)
            if !Task.isCancelled { panel.events.tell(.heartbeat) }
        }
    }
}

extension CeleryBroker {
    /// Tells all workers that tasks are not to be run any more, without waiting for answers: what a web server does.
    ///
    /// - Parameters:
    ///   - terminate: Those that run are ended too, by a signal to their process.
    ///   - signal: Its name. Python workers end a task at once by `SIGTERM` and `SIGKILL`.
    /// - Throws: `CeleryError` when the broker cannot be reached.
    func revoke(_ ids: [String], terminate: Bool, signal: String = "SIGTERM") async throws {
        let request = ControlRequest(
            method: "revoke",
            arguments: [
                "task_id": .array(ids.map { .string($0) }), "terminate": .bool(terminate), "signal": .string(signal),
            ],
            clock: 1
        )
        // How long Celery writes that a request is of interest: an hour.
        try await broadcast(request.message(expires: WallClock.seconds() + 3600))
    }
}
