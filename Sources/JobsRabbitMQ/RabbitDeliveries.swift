import CeleryProtocol
import DashJSON
import JobsCelery
import NIOCore

/// The deliveries that a consumer holds. Performs no I/O. A delivery keeps its tag when the connection is lost: a
/// redelivery of its message only renews the handle by which it is settled.
struct RabbitDeliveries {
    private struct Held {
        var delivery: Delivery
        /// The delivery tag on the current channel; nil after a loss.
        var handle: UInt64?
    }

    /// The prefix of all tags, which makes them unique among workers: job records identify deliveries by tag.
    private let name = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    private var held: [UInt64: Held] = [:]
    private var nextNumber: UInt64 = 1
    /// Not handed out yet, in order.
    private var ready = CircularBuffer<UInt64>()
    /// Postponed deliveries and their due times (milliseconds since 1970).
    private var parked: [UInt64: Int64] = [:]
    /// Handed out, unsettled, and without a handle because of a loss.
    private var orphans: [(key: MessageKey, number: UInt64)] = []
    private var settled: SettledMessages
    private(set) var batch = AckBatch()
    private var isStopped = false

    /// - Parameter unheard: See `SettledMessages`; in milliseconds.
    init(unheard: Int64 = 15_000) {
        settled = SettledMessages(unheard: unheard)
    }

    var hasReady: Bool { !ready.isEmpty }
    var parkedCount: Int { parked.count }
    /// When the first postponed delivery is due, or earlier.
    private(set) var nextDue: Int64?

    /// Receives a message.
    ///
    /// - Parameter queue: Its queue; nil if that is no longer consumed.
    mutating func deliver(_ message: AMQPDelivery, queue: String?, now: Int64) {
        batch.delivered(message.number)
        guard let queue, !isStopped else { return batch.reject(message.number, requeue: true) }
        if message.isRedelivered, !orphans.isEmpty || settled.hasDebts, renew(message, now: now) { return }
        let number = nextNumber
        nextNumber += 1
        let (tag, isAgain) = ("\(name).\(number)", message.isRedelivered)
        let delivery = Delivery(tag: tag, queue: queue, task: message.task, isRedelivered: isAgain)
        held[number] = Held(delivery: delivery, handle: message.number)
        ready.append(number)
    }

    /// Whether a redelivered message is still held or was settled in the meantime.
    private mutating func renew(_ message: AMQPDelivery, now: Int64) -> Bool {
        let key = MessageKey(message.task)
        if let place = orphans.firstIndex(where: { $0.key == key }) {
            held[orphans.remove(at: place).number]?.handle = message.number
            return true
        }
        guard let settlement = settled.take(key, now: now) else { return false }
        say(settlement, of: message.number)
        return true
    }

    /// Hands out received deliveries.
    mutating func take(upTo limit: Int) -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < limit, let number = ready.popFirst() {
            if let delivery = held[number]?.delivery { deliveries.append(delivery) }
        }
        return deliveries
    }

    /// Settles a delivery. Has no effect if it is settled already or unknown.
    mutating func settle(_ tag: String, as settlement: Settlement, now: Int64) {
        guard tag.hasPrefix(name + "."), let number = UInt64(tag.dropFirst(name.count + 1)), let one = held[number]
        else { return }
        if case .postponed(let time) = settlement {
            return one.handle == nil ? forget(number, one) : park(number, until: time)
        }
        forget(number, one)
        if let handle = one.handle { say(settlement, of: handle) }
        guard settlement != .returned, !one.delivery.task.hasRecord else { return }
        let key = MessageKey(one.delivery.task)
        if one.handle != nil {
            settled.sent(key, settlement, now: now)
        } else {
            settled.owe(key, settlement, until: isOpen ? now + SettledMessages.patience : nil)
        }
    }

    /// Whether there is a channel.
    private(set) var isOpen = false

    private mutating func park(_ number: UInt64, until time: Int64) {
        parked[number] = time
        nextDue = min(nextDue ?? time, time)
    }

    private mutating func forget(_ number: UInt64, _ one: Held) {
        held[number] = nil
        parked[number] = nil
        if one.handle == nil { orphans.removeAll { $0.number == number } }
    }

    private mutating func say(_ settlement: Settlement, of handle: UInt64) {
        switch settlement {
        case .acknowledged: batch.acknowledge(handle)
        case .rejected: batch.reject(handle, requeue: false)
        case .returned, .postponed: batch.reject(handle, requeue: true)
        }
    }

    /// Makes due deliveries ready again.
    ///
    /// - Parameter time: Milliseconds since 1970.
    mutating func release(dueAt time: Int64) {
        guard let nextDue, nextDue <= time else { return }
        for (number, due) in parked.sorted(by: { $0.value < $1.value }) where due <= time {
            parked[number] = nil
            ready.append(number)
        }
        self.nextDue = parked.values.min()
    }

    /// The frames to send now.
    mutating func takeFrames() -> [AckBatch.Frame] {
        batch.isEmpty ? [] : batch.take()
    }

    mutating func opened(now: Int64) {
        isOpen = true
        settled.opened(now: now)
    }

    /// The channel was lost: the broker redelivers everything, so deliveries that were not handed out are dropped.
    mutating func lost(now: Int64) {
        isOpen = false
        batch = AckBatch()
        for number in parked.keys { held[number] = nil }
        (parked, nextDue) = ([:], nil)
        let waiting = ready.compactMap { held.removeValue(forKey: $0)?.delivery.task }
        ready.removeAll()
        settled.lost(unsettled: Set(waiting.map { MessageKey($0) }), now: now)
        for (number, one) in held where one.handle != nil {
            held[number]?.handle = nil
            orphans.append((MessageKey(one.delivery.task), number))
        }
    }

    /// Stops handing out deliveries and requeues the remaining ones.
    mutating func stop() {
        isStopped = true
        putBack(Array(parked.keys) + ready)
    }

    /// Requeues the deliveries of a queue that were not handed out.
    mutating func leave(queue: String) {
        putBack((Array(parked.keys) + ready).filter { held[$0]?.delivery.queue == queue })
    }

    /// Requeues the deliveries that are ready.
    mutating func returnReady() {
        putBack(Array(ready))
    }

    private mutating func putBack(_ numbers: [UInt64]) {
        for number in numbers {
            parked[number] = nil
            if let handle = held.removeValue(forKey: number)?.handle { batch.reject(handle, requeue: true) }
        }
        ready = CircularBuffer(ready.filter { held[$0] != nil })
    }
}

/// Identifies a message when it is redelivered: by its task, attempt and body. Headers are not compared, because the
/// broker adds some.
struct MessageKey: Sendable, Hashable {
    private let id: String
    private let retries: Int
    private let size: Int
    private let start: Int

    init(_ task: BrokerMessage) {
        id = task.headers["id"]?.stringValue ?? task.correlationID ?? ""
        retries = task.headers["retries"]?.intValue ?? 0
        size = task.body.count
        var hasher = Hasher()
        for byte in task.body.prefix(512) { hasher.combine(byte) }
        start = hasher.finalize()
    }
}

/// Settlements that the broker may not have received because the connection was lost. They are repeated when it
/// redelivers the message, so that the task does not run twice. Not used for jobs with a record: the record knows
/// whether a message is settled, and the message of the next attempt looks the same.
struct SettledMessages {
    private struct Debt {
        var settlement: Settlement
        /// When the settlement expires; nil while there is no connection.
        var until: Int64?
    }

    private var recent = CircularBuffer<(key: MessageKey, settlement: Settlement, time: Int64)>()
    private let unheard: Int64
    private var debts: [MessageKey: Debt] = [:]

    /// The most settlements kept in case the connection is lost; the newest are kept.
    static let most = 4096
    /// How long after a reconnection a redelivery is expected, in milliseconds; a later one is another message.
    static let patience: Int64 = 60_000

    /// - Parameter unheard: How long a settlement may stay unreceived before the loss is detected, in milliseconds.
    init(unheard: Int64) {
        self.unheard = unheard
    }

    var hasDebts: Bool { !debts.isEmpty }

    /// Notes a settlement that was sent but may not have been received.
    mutating func sent(_ key: MessageKey, _ settlement: Settlement, now: Int64) {
        recent.append((key, settlement, now))
        while let first = recent.first, recent.count > Self.most || first.time < now - unheard { recent.removeFirst() }
    }

    /// Notes a settlement that could not be sent.
    mutating func owe(_ key: MessageKey, _ settlement: Settlement, until: Int64?) {
        if debts.count < Self.most { debts[key] = Debt(settlement: settlement, until: until) }
    }

    /// The connection was lost.
    ///
    /// - Parameter unsettled: Messages that were not handed out; one of them that equals a settled one is another
    ///   message.
    mutating func lost(unsettled: Set<MessageKey>, now: Int64) {
        for (key, settlement, time) in recent where time >= now - unheard && !unsettled.contains(key) {
            owe(key, settlement, until: nil)
        }
        recent.removeAll()
    }

    /// The connection was restored; the broker starts to redeliver.
    mutating func opened(now: Int64) {
        debts = debts.filter { ($0.value.until ?? now) >= now }
        for key in debts.keys where debts[key]?.until == nil { debts[key]?.until = now + Self.patience }
    }

    /// The settlement to repeat for a redelivered message.
    mutating func take(_ key: MessageKey, now: Int64) -> Settlement? {
        guard let debt = debts.removeValue(forKey: key), (debt.until ?? now) >= now else { return nil }
        return debt.settlement
    }
}

/// Collects the settlements of one channel and turns them into as few frames as possible: contiguous acknowledgements
/// are sent as one.
struct AckBatch {
    enum Frame: Hashable {
        case acknowledge(UInt64, multiple: Bool)
        case reject(UInt64, requeue: Bool)
    }

    /// Unsettled deliveries of the channel.
    private var unsettled: Set<UInt64> = []
    /// All deliveries before this one are settled.
    private var oldest: UInt64 = 1
    private var newest: UInt64 = 0
    private var acknowledged: [UInt64] = []
    private var rejected: [Frame] = []

    var isEmpty: Bool { acknowledged.isEmpty && rejected.isEmpty }

    mutating func delivered(_ number: UInt64) {
        unsettled.insert(number)
        newest = max(newest, number)
    }

    mutating func acknowledge(_ number: UInt64) {
        if unsettled.remove(number) != nil { acknowledged.append(number) }
    }

    mutating func reject(_ number: UInt64, requeue: Bool) {
        if unsettled.remove(number) != nil { rejected.append(.reject(number, requeue: requeue)) }
    }

    /// The frames to send, in order. Rejections come first, so that a multiple acknowledgement does not cover them.
    mutating func take() -> [Frame] {
        while oldest <= newest, !unsettled.contains(oldest) { oldest += 1 }
        let covered = acknowledged.filter { $0 < oldest }
        var frames = rejected
        if covered.count > 1, let last = covered.max() {
            frames.append(.acknowledge(last, multiple: true))
            acknowledged.removeAll { $0 < oldest }
        }
        frames += acknowledged.map { .acknowledge($0, multiple: false) }
        (acknowledged, rejected) = ([], [])
        return frames
    }
}
