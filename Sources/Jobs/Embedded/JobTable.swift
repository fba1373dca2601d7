import DequeModule
import HeapModule

/// The jobs in memory, with the queue of waiting jobs, the counts for limits and the order of their ends.
struct JobTable: Sendable {
    private var entries: [JobID: JobEntry] = [:]
    /// May contain places of jobs that are not queued any more, or that were started anew with the same id.
    private(set) var queue = Heap<QueuePlace>()
    private(set) var finished = FinishedJobs()
    private(set) var unfinishedOfOwner: [String: Int] = [:]
    private var total = JobCounts()
    private var lastTicket = 0

    var all: some Collection<JobEntry> { entries.values }

    /// The number of jobs that wait for a worker or for a time.
    var waitingCount: Int { total.waiting }

    /// The number of jobs with an attempt under way.
    var runningCount: Int { total.running }

    /// The payloads and details of all unfinished jobs, in bytes.
    var unfinishedBytes: Int { total.inputBytes }

    subscript(id: JobID) -> JobEntry? { entries[id] }

    mutating func insert(_ entry: JobEntry) {
        var entry = entry
        lastTicket += 1
        entry.ticket = lastTicket
        count(entry.counts, insteadOf: JobCounts(), for: entry.request.owner)
        entries[entry.request.id] = entry
    }

    mutating func remove(_ id: JobID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        count(JobCounts(), insteadOf: entry.counts, for: entry.request.owner)
    }

    /// Changes a job in place, and the counts with it.
    ///
    /// - Returns: What `body` returns; nil for an unknown job.
    @discardableResult
    mutating func update<Value>(_ id: JobID, _ body: (inout JobEntry) -> Value) -> Value? {
        guard let (value, old, new, owner) = entries[id]?.counted(body) else { return nil }
        count(new, insteadOf: old, for: owner)
        return value
    }

    private mutating func count(_ new: JobCounts, insteadOf old: JobCounts, for owner: String) {
        total.waiting += new.waiting - old.waiting
        total.running += new.running - old.running
        total.inputBytes += new.inputBytes - old.inputBytes
        guard new.unfinished != old.unfinished else { return }
        let unfinished = unfinishedOfOwner[owner, default: 0] + new.unfinished - old.unfinished
        unfinishedOfOwner[owner] = unfinished > 0 ? unfinished : nil
    }

    // MARK: Queue

    /// Queues a job behind the others of its priority that started earlier.
    mutating func enqueue(_ id: JobID) {
        guard let entry = entries[id] else { return }
        if queue.count > 2 * waitingCount + 64 {
            // Remove the places of cancelled jobs.
            queue = Heap(queue.unordered.filter { self.entry(at: $0) != nil })
        }
        queue.insert(QueuePlace(priority: entry.request.priority, ticket: entry.ticket, id: id))
    }

    /// Removes the next job from the queue.
    mutating func popQueued() -> JobEntry? {
        while let place = queue.popMin() {
            if let entry = self.entry(at: place) { return entry }
        }
        return nil
    }

    /// The queued job that took this place.
    private func entry(at place: QueuePlace) -> JobEntry? {
        entries[place.id].flatMap { $0.isQueued && $0.ticket == place.ticket ? $0 : nil }
    }

    // MARK: Finished jobs

    mutating func appendFinished(_ id: JobID) {
        guard let entry = entries[id] else { return }
        finished.append(id, bytes: entry.bytes)
    }

    mutating func removeOldestFinished() {
        guard let oldest = finished.oldest else { return }
        finished.removeOldest()
        remove(oldest)
    }
}

/// What jobs count for in the limits.
private struct JobCounts {
    var waiting = 0
    var running = 0
    var unfinished = 0
    var inputBytes = 0
}

extension JobEntry {
    /// A job neither waits nor runs while its end is being written, but is unfinished until that is written.
    fileprivate var counts: JobCounts {
        var counts = JobCounts()
        guard !status.state.isFinished else { return counts }
        counts.unfinished = 1
        counts.inputBytes = request.inputBytes
        if isUnderWay { counts.running = 1 } else if ending == nil { counts.waiting = 1 }
        return counts
    }

    fileprivate mutating func counted<Value>(
        _ body: (inout JobEntry) -> Value
    ) -> (Value, old: JobCounts, new: JobCounts, owner: String) {
        let old = counts
        let value = body(&self)
        return (value, old, counts, request.owner)
    }
}

/// A job's place in the queue: higher priorities first, then earlier starts.
struct QueuePlace: Comparable, Sendable {
    var priority: Int
    var ticket: Int
    var id: JobID

    static func < (left: QueuePlace, right: QueuePlace) -> Bool {
        left.priority == right.priority ? left.ticket < right.ticket : left.priority > right.priority
    }
}

/// The finished jobs in memory, in the order of their ends.
struct FinishedJobs: Sendable {
    private var order = Deque<(id: JobID, bytes: Int)>()
    private(set) var bytes = 0

    var count: Int { order.count }
    var oldest: JobID? { order.first?.id }

    mutating func append(_ id: JobID, bytes added: Int) {
        order.append((id, added))
        bytes += added
    }

    mutating func removeOldest() { bytes -= order.removeFirst().bytes }
}
