internal import Dispatch
internal import Support
internal import Synchronization

/// Runs the work on threads of its own: with stacks that are large enough for deep recursion, with crash reports even
/// of overflown ones, and without touching Swift's own threads, however long the work blocks them.
final class JobThreads: TaskExecutor {
    private let jobs = Mutex(JobList())
    private let available = DispatchSemaphore(value: 0)

    /// Starts the threads; they run as long as the process.
    ///
    /// - Parameters:
    ///   - count: How many, at least 2, so that work may wait for its own child tasks.
    ///   - stackSize: The stack of each in bytes.
    init(count: Int, stackSize: Int = 16 << 20) {
        for _ in 0..<max(2, count) {
            _ = OwnThread.start(stackSize: stackSize) { [self] in
                while true {
                    available.wait()
                    guard let job = jobs.withLock({ $0.popFirst() }) else { continue }
                    job.runSynchronously(on: asUnownedTaskExecutor())
                }
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        available.signal()
    }
}

/// First in, first out, without moving all of them for each that is taken.
private struct JobList: Sendable {
    private var incoming: [UnownedJob] = []
    private var outgoing: [UnownedJob] = []

    mutating func append(_ job: UnownedJob) { incoming.append(job) }

    mutating func popFirst() -> UnownedJob? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming.removeAll(keepingCapacity: true)
        }
        return outgoing.popLast()
    }
}
