import DashJSON
import Support
import Synchronization

/// Sends a worker's events: takes them without waiting, and sends them in batches in a task of its own.
final class EventDispatcher: WorkerEvents {
    /// Whether events about tasks are sent.
    enum Mode: Sendable, Hashable {
        /// From the start, whatever anybody says: option `-E`.
        case always
        case enabled
        case disabled
    }

    private struct State {
        var mode: Mode
        var outbox: EventOutbox
    }

    /// The clock of everything that this worker tells and hears.
    let clock: LamportClock
    let source: EventSource
    /// The time between heartbeats.
    let interval: Duration

    private let broker: any CeleryBroker
    private let state: Mutex<State>
    private let waiting = AsyncSignal()

    init(
        broker: any CeleryBroker,
        source: EventSource,
        mode: Mode = .disabled,
        interval: Duration = .seconds(2),
        clock: LamportClock = LamportClock()
    ) {
        self.broker = broker
        self.source = source
        self.interval = interval
        self.clock = clock
        state = Mutex(State(mode: mode, outbox: EventOutbox()))
    }

    var isEnabled: Bool { state.withLock { $0.mode != .disabled } }

    func tell(_ event: @autoclosure () -> TaskEvent) {
        guard isEnabled else { return }
        let event = event()
        let isTold = state.withLock { state in
            guard state.mode != .disabled else { return false }
            // The clock goes on under the lock, so that events wait in its order.
            let body = source.event(event.type, event.fields, clock: clock.forward(), timestamp: WallClock.seconds())
            state.outbox.add(.object(body))
            return true
        }
        if isTold { waiting.signal() }
    }

    /// Tells something about the worker itself.
    func tell(_ sign: WorkerSign) {
        state.withLock { $0.outbox.add(sign) }
        waiting.signal()
    }

    /// Sends events about tasks from now on.
    ///
    /// - Returns: whether that is a change.
    func enable() -> Bool { change(from: .disabled, to: .enabled) }

    /// Sends events about tasks no more, unless they are sent always.
    ///
    /// - Returns: whether that is a change.
    func disable() -> Bool { change(from: .enabled, to: .disabled) }

    private func change(from old: Mode, to new: Mode) -> Bool {
        state.withLock { state in
            guard state.mode == old else { return false }
            state.mode = new
            return true
        }
    }

    /// Sends what is told until ``finish()``, and what was told before that.
    func deliver(load: @Sendable () -> WorkerLoad) async {
        while await waiting.wait() {
            while let item = await nextItem() {
                await broker.publishEvent(message(item, load: load()))
            }
        }
        while !Task.isCancelled, let item = state.withLock({ $0.outbox.next() }) {
            await broker.publishEvent(message(item, load: load()))
        }
    }

    /// Nothing more is told.
    func finish() {
        waiting.finish()
    }

    /// What is to be sent, after others had their turn: what they tell meanwhile goes in the same message.
    private func nextItem() async -> EventOutbox.Item? {
        await Task.yield()
        return state.withLock { $0.outbox.next() }
    }

    private func message(_ item: EventOutbox.Item, load: WorkerLoad) -> RawTask {
        switch item {
        case .tasks(let events):
            return source.message(.array(events), routingKey: "task.multi")
        case .worker(let sign):
            let fields = sign.fields(
                every: interval / .seconds(1),
                load: load,
                machine: WallClock.loadAverage(),
                software: source.software
            )
            let event = source.event(sign.type, fields, clock: clock.forward(), timestamp: WallClock.seconds())
            return source.message(.object(event), routingKey: sign.routingKey)
        }
    }
}
