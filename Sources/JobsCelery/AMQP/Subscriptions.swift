/// Which queues are wanted and which are consumed, without any I/O: tells what to do to make both the same.
struct Subscriptions {
    struct Plan: Hashable {
        /// Consumers to end.
        var cancel: [String] = []
        /// The limit to set; nil if it stays.
        var prefetch: Int?
        /// Consumers to begin.
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

    func isConsuming(_ queue: String) -> Bool {
        consuming.contains { $0.queue == queue }
    }

    /// The queue of a consumer that is not ended.
    func queue(of tag: String) -> String? {
        consuming.first { $0.tag == tag }?.queue
    }

    /// What to do.
    ///
    /// - Parameters:
    ///   - limit: How many deliveries may be unsettled; nothing is consumed if none may.
    ///   - wholeChannel: Whether the limit is the channel's. That of a consumer changes only with a new consumer.
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

    /// Before the server is asked, because the first delivery may come before its answer.
    mutating func willConsume(_ consumer: Consumer) {
        consuming.append(consumer)
        nextTag += 1
    }

    mutating func lost() {
        consuming = []
        prefetch = nil
    }
}
