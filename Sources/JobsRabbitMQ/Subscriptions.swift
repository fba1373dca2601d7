/// Tracks which queues are wanted and which are consumed, and plans the changes between them. Performs no I/O.
struct Subscriptions {
    struct Plan: Hashable {
        /// The tags of consumers to cancel.
        var cancel: [String] = []
        /// The new limit; nil if unchanged.
        var prefetch: Int?
        /// Consumers to start.
        var consume: [Consumer] = []
    }

    struct Consumer: Hashable {
        var tag: String
        var queue: String
    }

    private(set) var wanted: [String]
    var isStopped = false
    private var consuming: [Consumer] = []
    private var prefetch: Int?
    private var nextTag = 1

    init(_ queues: [String]) {
        wanted = []
        for queue in queues { add(queue) }
    }

    mutating func add(_ queue: String) {
        if !wanted.contains(queue) { wanted.append(queue) }
    }

    mutating func remove(_ queue: String) {
        wanted.removeAll { $0 == queue }
    }

    /// Whether a queue is consumed or cancelled as wanted, or nothing is consumed any more.
    func isSettled(_ queue: String) -> Bool {
        isStopped || wanted.contains(queue) == consuming.contains { $0.queue == queue }
    }

    /// The queue of an active consumer.
    func queue(of tag: String) -> String? {
        consuming.first { $0.tag == tag }?.queue
    }

    /// The changes to make.
    ///
    /// - Parameters:
    ///   - limit: The most unsettled deliveries; nothing is consumed if it is 0.
    ///   - wholeChannel: Whether the limit applies to the channel. A consumer's limit changes only with a new consumer.
    func plan(limit: Int, wholeChannel: Bool) -> Plan {
        var plan = Plan()
        let queues = isStopped || limit <= 0 ? [] : wanted
        if limit > 0, limit != prefetch { plan.prefetch = limit }
        let isRenewed = plan.prefetch != nil && !wholeChannel
        let kept = consuming.filter { queues.contains($0.queue) && !isRenewed }
        plan.cancel = consuming.filter { !kept.contains($0) }.map(\.tag)
        let missing = queues.filter { queue in !kept.contains { $0.queue == queue } }
        plan.consume = missing.enumerated().map { Consumer(tag: "dash\(nextTag + $0.offset)", queue: $0.element) }
        return plan
    }

    mutating func didCancel(_ tag: String) {
        consuming.removeAll { $0.tag == tag }
    }

    mutating func didLimit(_ limit: Int) {
        prefetch = limit
    }

    /// Called before the request, because the first delivery may arrive before the server's response.
    mutating func willConsume(_ consumer: Consumer) {
        consuming.append(consumer)
        nextTag += 1
    }

    mutating func lost() {
        consuming = []
        prefetch = nil
    }
}
