import CeleryProtocol
import DashJSON
import NIOCore
import Support
import Synchronization

/// Publishes a worker's events: queues them without waiting, and sends them in batches in a separate task.
final class EventDispatcher: WorkerEvents {
    /// Whether task events are sent.
    enum Mode: Sendable, Hashable {
        /// Always; cannot be disabled: option `-E`.
        case always
        case enabled
        case disabled
    }

    private struct State {
        var mode: Mode
        var outbox: EventOutbox
    }

    /// The logical clock of this worker's messages.
    let clock: LamportClock
    private let source: EventSource
    /// The time between heartbeats.
    private let interval: Duration

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

    func send(_ event: @autoclosure () -> TaskEvent) {
        guard isEnabled else { return }
        let event = event()
        let isDelivered = state.withLock { state in
            guard state.mode != .disabled else { return false }
            // Advance the clock under the lock, so that events are queued in its order.
            let body = source.event(event.type, event.fields, clock: clock.forward(), timestamp: WallClock.seconds())
            state.outbox.add(.object(body))
            return true
        }
        if isDelivered { waiting.signal() }
    }

    /// Sends an event of the worker itself.
    func send(_ sign: WorkerSign) {
        state.withLock { $0.outbox.add(sign) }
        waiting.signal()
    }

    /// Sends heartbeats until the task is cancelled.
    func beat() async {
        let clock = ContinuousClock()
        var next = clock.now
        while !Task.isCancelled {
            next = max(next + interval, clock.now)
            // The interval of the heartbeats.
            try? await clock.sleep(until: next)
            if !Task.isCancelled { send(.heartbeat) }
        }
    }

    /// The worker's process, as events name it.
    var process: Int { source.process }

    /// Enables task events.
    ///
    /// - Returns: Whether that is a change.
    func enable() -> Bool { change(from: .disabled, to: .enabled) }

    /// Disables task events, unless the mode is `always`.
    ///
    /// - Returns: Whether that is a change.
    func disable() -> Bool { change(from: .enabled, to: .disabled) }

    private func change(from old: Mode, to new: Mode) -> Bool {
        state.withLock { state in
            guard state.mode == old else { return false }
            state.mode = new
            return true
        }
    }

    /// Publishes events until ``finish()``, then the remaining ones.
    func deliver(load: @Sendable () -> WorkerLoad) async {
        while await waiting.wait() { await publishWaiting(load) }
        await publishWaiting(load)
    }

    private func publishWaiting(_ load: @Sendable () -> WorkerLoad) async {
        while !Task.isCancelled {
            // Events of other tasks go into the same message.
            await Task.yield()
            guard let item = state.withLock({ $0.outbox.next() }) else { return }
            await broker.publishEvent(message(item, load: load()))
        }
    }

    /// Ends ``deliver(load:)``.
    func finish() {
        waiting.finish()
    }

    private func message(_ item: EventOutbox.Item, load: WorkerLoad) -> BrokerMessage {
        switch item {
        case .tasks(let events):
            return source.message(.array(events), routingKey: "task.multi")
        case .worker(let sign):
            let fields = sign.fields(every: interval / .seconds(1), load: load)
            let event = source.event(sign.rawValue, fields, clock: clock.forward(), timestamp: WallClock.seconds())
            return source.message(.object(event), routingKey: sign.routingKey)
        }
    }
}

/// The queued events. Performs no I/O.
///
/// Task events are sent in order and in batches. Of the worker's own events only the newest is kept, so that none
/// accumulate while the broker is unavailable.
struct EventOutbox {
    enum Item: Equatable {
        case worker(WorkerSign)
        case tasks([JSON])
    }

    /// The most task events kept; beyond that the oldest are dropped.
    private let capacity: Int
    /// The most events in one message.
    private let batch: Int

    private var tasks = CircularBuffer<JSON>()
    private var sign: WorkerSign?

    init(capacity: Int = 10_000, batch: Int = 24) {
        self.capacity = capacity
        self.batch = batch
    }

    mutating func add(_ event: JSON) {
        tasks.append(event)
        if tasks.count > capacity { tasks.removeFirst() }
    }

    mutating func add(_ sign: WorkerSign) {
        // Offline replaces everything; online contains more than a heartbeat.
        if sign == .offline || self.sign != .online { self.sign = sign }
    }

    /// Takes the next item: the worker's own event first, except that offline is last.
    mutating func next() -> Item? {
        if let sign, sign != .offline || tasks.isEmpty {
            self.sign = nil
            return .worker(sign)
        }
        guard !tasks.isEmpty else { return nil }
        let events = Array(tasks.prefix(batch))
        tasks.removeFirst(events.count)
        return .tasks(events)
    }
}

/// The members common to all events of a worker.
struct EventSource: Sendable, Hashable {
    /// The node's name, `dash@host`.
    var node: String
    var process = Int(getpid())
    /// Hours west of UTC; nil for this machine's current offset.
    var utcOffset: Double?

    /// An event's members in Celery's order.
    func event(_ type: String, _ fields: JSONObject, clock: Int, timestamp: Double) -> JSONObject {
        var event = JSONObject()
        event.reserveCapacity(fields.count + 6)
        event.append("hostname", .string(node))
        event.append("utcoffset", .double(utcOffset ?? WallClock.hoursWestOfUTC()))
        event.append("pid", .int(process))
        event.append("clock", .int(clock))
        for (key, value) in fields { event.append(key, value) }
        event.append("timestamp", .double(timestamp))
        event.append("type", .string(type))
        return event
    }

    /// A message of the exchange `celeryev`.
    func message(_ body: JSON, routingKey: String) -> BrokerMessage {
        var message = BrokerMessage()
        message.headers = ["hostname": .string(node)]
        message.body = body.serialized()
        (message.exchange, message.routingKey) = ("celeryev", routingKey)
        message.isPersistent = false
        return message
    }
}

extension WallClock {
    /// The machine's current offset from UTC, in hours; positive to the west, as in Celery.
    static func hoursWestOfUTC() -> Double {
        var seconds = time(nil)
        var local = tm()
        localtime_r(&seconds, &local)
        return local.tm_gmtoff == 0 ? 0 : -Double(local.tm_gmtoff) / 3600
    }

    /// The machine's load averages of 1, 5 and 15 minutes.
    static func loadAverage() -> [Double] {
        var averages = [0.0, 0, 0]
        guard getloadavg(&averages, 3) == 3 else { return [0, 0, 0] }
        return averages.map { ($0 * 100).rounded() / 100 }
    }
}
