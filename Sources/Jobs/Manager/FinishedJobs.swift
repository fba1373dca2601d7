/// The order in which jobs finished, of those that are still in memory.
struct FinishedJobs: Sendable {
    private var order: [(id: JobID, bytes: Int)] = []
    private var head = 0
    private(set) var bytes = 0

    var count: Int { order.count - head }
    var oldest: JobID? { head < order.count ? order[head].id : nil }

    mutating func append(_ id: JobID, bytes added: Int) {
        order.append((id, added))
        bytes += added
    }

    mutating func removeOldest() {
        bytes -= order[head].bytes
        head += 1
        // Now and then the front is cut off, so that each removal costs little on average.
        if head > 64, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
    }
}
