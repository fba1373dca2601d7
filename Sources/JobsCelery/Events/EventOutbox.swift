import DashJSON

/// The events that are to be sent, in a value without I/O.
///
/// What is told about tasks waits in order and goes in batches; of what a worker tells about itself only the newest waits,
/// so that nothing piles up while the broker is away.
struct EventOutbox {
    /// What is to be sent next.
    enum Item: Equatable {
        case worker(WorkerSign)
        case tasks([JSON])
    }

    /// Of more events about tasks the oldest are dropped.
    let capacity: Int
    /// So many go in one message at most.
    let batch: Int
    private(set) var dropped = 0

    private var tasks: [JSON] = []
    private var first = 0
    private var sign: WorkerSign?

    init(capacity: Int = 10_000, batch: Int = 24) {
        self.capacity = capacity
        self.batch = batch
    }

    mutating func add(_ event: JSON) {
        tasks.append(event)
        guard tasks.count - first > capacity else { return }
        tasks[first] = .null
        first += 1
        dropped += 1
    }

    mutating func add(_ sign: WorkerSign) {
        // Nothing of before matters to one that goes; one that just came says more than a heartbeat.
        if sign == .offline || self.sign != .online { self.sign = sign }
    }

    /// What is to be sent next. The end of a worker is told after everything else, its life before.
    mutating func next() -> Item? {
        if let sign, sign != .offline || first == tasks.count {
            self.sign = nil
            return .worker(sign)
        }
        guard first < tasks.count else { return nil }
        let end = min(first + batch, tasks.count)
        let events = Array(tasks[first..<end])
        first = end
        if first > capacity || first == tasks.count {
            tasks.removeFirst(first)
            first = 0
        }
        return .tasks(events)
    }
}
