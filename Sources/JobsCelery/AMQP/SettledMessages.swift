import DashJSON
import NIOCore

/// By what a message is known again when the broker gives it once more: its task, which attempt it is, and its body. Not by
/// all headers, because the broker adds some.
struct MessageKey: Sendable, Hashable {
    private let id: String
    private let retries: Int
    private let size: Int
    private let start: Int

    init(_ task: RawTask) {
        id = task.headers["id"]?.stringValue ?? task.correlationID ?? ""
        retries = task.headers["retries"]?.intValue ?? 0
        size = task.body.count
        var hasher = Hasher()
        for byte in task.body.prefix(512) { hasher.combine(byte) }
        start = hasher.finalize()
    }
}

extension RawTask {
    /// Whether it is a job whose record tells how it stands. One whose answer goes to a queue (`rpc://`) has none.
    var hasRecord: Bool { (replyTo ?? "").isEmpty && headers["dash"] != nil }
}

/// What was said about deliveries that the broker may not have heard, because the connection was lost: said again when it
/// gives the message once more, instead of running a task twice. Not for jobs with a record: that knows whether a message is
/// done with, and the next attempt's looks the same.
struct SettledMessages {
    private struct Debt {
        var settlement: Settlement
        /// Not said after this time; nil while there is no connection.
        var until: Int64?
    }

    private var recent = CircularBuffer<(key: MessageKey, settlement: Settlement, time: Int64)>()
    private let unheard: Int64
    private var debts: [MessageKey: Debt] = [:]

    /// So many of the newest settlements may be under way when a connection is lost.
    static let most = 4096
    /// The broker gives lost messages at once; what comes so much later, in milliseconds, is another message.
    static let patience: Int64 = 60_000

    /// - Parameter unheard: For how long, in milliseconds, the broker may not have heard what was said to it. By then a loss
    ///   is noticed.
    init(unheard: Int64) {
        self.unheard = unheard
    }

    var hasDebts: Bool { !debts.isEmpty }

    /// It was sent, and perhaps not received.
    mutating func sent(_ key: MessageKey, _ settlement: Settlement, now: Int64) {
        recent.append((key, settlement, now))
        while let first = recent.first, recent.count > Self.most || first.time < now - unheard { recent.removeFirst() }
    }

    /// It could not be sent.
    mutating func owe(_ key: MessageKey, _ settlement: Settlement, until: Int64?) {
        if debts.count < Self.most { debts[key] = Debt(settlement: settlement, until: until) }
    }

    /// The connection is lost.
    ///
    /// - Parameter unsettled: Messages that were not handed out: should one look like a settled one, it is another.
    mutating func lost(unsettled: Set<MessageKey>, now: Int64) {
        for (key, settlement, time) in recent where time >= now - unheard && !unsettled.contains(key) {
            owe(key, settlement, until: nil)
        }
        recent.removeAll()
    }

    /// There is a connection again: from now on the broker gives what was lost.
    mutating func opened(now: Int64) {
        debts = debts.filter { ($0.value.until ?? now) >= now }
        for key in debts.keys where debts[key]?.until == nil { debts[key]?.until = now + Self.patience }
    }

    /// What is still to be said about a message that came again.
    mutating func take(_ key: MessageKey, now: Int64) -> Settlement? {
        guard let debt = debts.removeValue(forKey: key), (debt.until ?? now) >= now else { return nil }
        return debt.settlement
    }
}
