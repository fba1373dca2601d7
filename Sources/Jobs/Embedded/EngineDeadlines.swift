import HeapModule

/// The times at which the engine has work.
struct EngineDeadlines: Sendable {
    enum Matter: Hashable, Sendable {
        /// Queued jobs may be abandoned.
        case abandonment
        case due(JobID)
        case flush
        case pruning
        /// Attempts may begin again after a failed write.
        case unpausing
    }

    private struct Deadline: Comparable, Sendable {
        var time: Duration
        var matter: Matter

        static func < (left: Deadline, right: Deadline) -> Bool { left.time < right.time }
    }

    /// The shortest time between two prunings, unless the first left something to remove.
    static let pruningInterval = Duration.seconds(10)

    private var heap = Heap<Deadline>()
    /// The deadline that the driver's timer is set to.
    private(set) var armed: Duration?
    /// When the store is pruned next.
    private(set) var nextPruning: Duration?
    private var isFlushPlanned = false
    private var isAbandonmentPlanned = false

    /// Plans a deadline. Of flushes and abandonments the first that is planned counts, of prunings the earliest.
    mutating func plan(_ matter: Matter, at time: Duration) {
        switch matter {
        case .abandonment where isAbandonmentPlanned: return
        case .flush where isFlushPlanned: return
        case .pruning where nextPruning.map { $0 <= time } ?? false: return
        case .abandonment: isAbandonmentPlanned = true
        case .flush: isFlushPlanned = true
        case .pruning: nextPruning = time
        case .due, .unpausing: break
        }
        heap.insert(Deadline(time: time, matter: matter))
    }

    /// The next deadline, if the driver's timer is set to a later one or to none.
    mutating func timeToArm() -> Duration? {
        guard let next = heap.min?.time, armed.map({ next < $0 }) ?? true else { return nil }
        armed = next
        return next
    }

    /// The driver's timer has fired.
    mutating func disarm() { armed = nil }

    /// Removes the next deadline that has passed.
    mutating func popPassed(at time: Duration) -> Matter? {
        while let next = heap.min, next.time <= time {
            heap.removeMin()
            switch next.matter {
            // An earlier pruning has replaced this one.
            case .pruning where next.time != nextPruning: continue
            case .abandonment: isAbandonmentPlanned = false
            case .flush: isFlushPlanned = false
            case .pruning: nextPruning = nil
            case .due, .unpausing: break
            }
            return next.matter
        }
        return nil
    }
}
