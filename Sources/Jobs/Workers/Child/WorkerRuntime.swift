import CDashSpawn
import Dispatch
import Support
import Synchronization

/// What runs in a worker process.
///
/// The pool's frames are read by a thread of their own, so that no work, whatever it does to Swift's threads or to its
/// own, can delay a cancel or the death of the pool.
final class WorkerRuntime: Sendable {
    typealias Perform = @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]

    private let descriptor: Int32
    private let outbox: WorkerOutbox
    private let threads: JobThreads
    private let perform: Perform
    private let current: CurrentRun

    /// - Parameters:
    ///   - descriptor: The socket to the pool.
    ///   - mostBytes: How much is kept of what could not be sent yet.
    ///   - perform: Does the work.
    init(descriptor: Int32, mostBytes: Int = 64 << 20, perform: @escaping Perform) {
        self.descriptor = descriptor
        self.perform = perform
        let current = CurrentRun()
        self.current = current
        outbox = WorkerOutbox(descriptor: descriptor, mostBytes: mostBytes) { current.stop($0) }
        threads = JobThreads(count: ProcessorCount.online)
    }

    /// Tells the pool that work may come, and takes it until the pool is gone.
    ///
    /// - Returns: false if the system has no room for the threads.
    func start(buildID: String) -> Bool {
        guard outbox.start() else { return false }
        outbox.write(.ready(buildID: buildID))
        return OwnThread.start { [self] in
            dash_channel_is_watched()
            var source = FrameSource(descriptor: descriptor)
            while let frame = source.next() { take(frame) }
            dash_kill_own_family()  // The pool is gone, or told us to go by closing the socket.
        }
    }

    private func take(_ frame: Frame) {
        switch frame {
        case .job(let run, let task): begin(run, task)
        case .cancel(let run): current.cancel(run)
        default: break  // Only workers say these.
        }
    }

    private func begin(_ run: UInt64, _ task: WorkerTask) {
        outbox.write(.started(run: run))
        outbox.begin(run)
        current.begin(run) { Task(executorPreference: threads) { await self.work(run, task) } }
    }

    private func work(_ run: UInt64, _ task: WorkerTask) async {
        let channel = WorkerChannel(
            progress: { [outbox] in outbox.progress($0, of: run) },
            setProps: { [outbox] in outbox.setProps($0, of: run) }
        )
        let end: Frame
        do {
            let result = try await perform(task, channel)
            end =
                result.count < Frame.maximumLength - 64
                ? .succeeded(run: run, result) : .failed(run: run, .resultTooLarge(result.count))
        } catch {
            end = self.end(run, error)
        }
        current.end()
        dash_flush_output()
        outbox.finish(end)
    }

    private func end(_ run: UInt64, _ error: any Error) -> Frame {
        if current.isCancelled(run), error is CancellationError { return .cancelled(run: run) }
        return .failed(run: run, .thrown(error))
    }
}

extension WorkerFailure {
    /// The work threw an error; a failure of our own kind is taken as it is.
    static func thrown(_ error: any Error) -> WorkerFailure {
        if let failure = error as? WorkerFailure { return failure }
        return WorkerFailure(kind: .error, code: String(reflecting: type(of: error)), message: "\(error)")
    }

    /// The work returned more than a frame holds.
    static func resultTooLarge(_ count: Int) -> WorkerFailure {
        WorkerFailure(
            kind: .tooLarge,
            code: "result-too-large",
            message: "The result has \(count) bytes; at most \(Frame.maximumLength) are possible."
        )
    }

    /// The work told so much, so fast, that it could not be sent.
    static func updatesTooLarge(_ limit: Int) -> WorkerFailure {
        WorkerFailure(
            kind: .tooLarge,
            code: "updates-too-large",
            message: "The work set properties or progress faster than they could be sent; more than \(limit) bytes "
                + "waited. Set whole values instead of Patches, or less often."
        )
    }
}

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The side of a worker: what a process that was started by a ``WorkerPool`` does.
public enum WorkerProcess {
    /// Whether this process was started by a pool to be a worker. Programs that a worker starts are not, even if they are
    /// this same executable: the marker is taken out of the environment before `main`.
    public static var isWorker: Bool {
        guard let role = dash_spawn_role() else { return false }
        return String(cString: role) == "worker" && dash_spawn_channel() >= 0
    }

    /// Runs tasks until the pool ends this process; never returns. Ends the process with an error if no pool started it.
    ///
    /// The work runs on threads of its own with stacks of 16 MB. When it is cancelled its Swift task is: a
    /// `CancellationError` it then throws is no error. An error it throws fails its task and nothing else; a thrown
    /// ``WorkerFailure`` is passed on as it is. The main actor stays free for the work, as this function suspends.
    ///
    /// - Parameters:
    ///   - buildID: Which build this is; the pool takes no other than its own.
    ///   - perform: Does one task and returns its result, usually JSON text.
    public static func serve(
        buildID: String = BuildID.current,
        perform: @escaping @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]
    ) async -> Never {
        guard isWorker else { fail("WorkerProcess.serve was called in a process that no worker pool started.") }
        let runtime = WorkerRuntime(descriptor: dash_spawn_channel(), perform: perform)
        guard runtime.start(buildID: buildID) else { fail("The system has no room for the threads of a worker.") }
        while true { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }  // It never resumes.
    }

    private static func fail(_ sentence: String) -> Never {
        let line = Array((sentence + "\n").utf8)
        _ = dash_write_all(STDERR_FILENO, line, line.count)
        exit(EXIT_FAILURE)
    }
}

/// The run that a worker is busy with.
final class CurrentRun: Sendable {
    private let state = Mutex<State?>(nil)

    private struct State: Sendable {
        var run: UInt64
        var task: Task<Void, Never>
        var isCancelled = false
    }

    /// A run begins; `start` starts its work, which finds it begun.
    func begin(_ run: UInt64, start: () -> Task<Void, Never>) {
        state.withLock { $0 = State(run: run, task: start()) }
    }

    /// The run has ended.
    func end() { state.withLock { $0 = nil } }

    /// The pool does not want the run any more.
    func cancel(_ run: UInt64) {
        state.withLock { state in
            guard state?.run == run else { return }
            state?.isCancelled = true
        }
        stop(run)
    }

    /// Tells the work to stop, for a reason of our own: it is not cancelled.
    func stop(_ run: UInt64) {
        let task = state.withLock { $0?.run == run ? $0?.task : nil }
        task?.cancel()
    }

    /// Whether the pool cancelled the run.
    func isCancelled(_ run: UInt64) -> Bool {
        state.withLock { $0?.run == run && $0?.isCancelled == true }
    }
}

/// The frames that come from a socket, read with as few calls as possible.
struct FrameSource {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    /// What was read and is not taken.
    private var unread = 0..<0

    /// - Parameter descriptor: The socket; it is waited for, whether it blocks or not.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The next frame; nil at the end of the socket, or when what comes is no frame.
    mutating func next() -> Frame? {
        guard let header = take(4) else { return nil }
        let length = Frame.length(header)
        guard length <= Frame.maximumLength, let body = take(length) else { return nil }
        return try? Frame(body)
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard count > buffer.count else {
            while unread.count < count { if !readMore() { return nil } }
            defer { unread = (unread.lowerBound + count)..<unread.upperBound }
            return Array(buffer[unread.lowerBound..<(unread.lowerBound + count)])
        }
        var bytes = Array(buffer[unread])
        let known = unread.count
        unread = 0..<0
        bytes += repeatElement(0, count: count - known)
        let isWhole = bytes.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { dash_read_all(descriptor, $0 + known, count - known) }
        }
        return isWhole == true ? bytes : nil
    }

    /// Reads what there is, as far as the buffer has room.
    private mutating func readMore() -> Bool {
        if unread.lowerBound > 0 {
            for (place, index) in unread.enumerated() { buffer[place] = buffer[index] }
            unread = 0..<unread.count
        }
        let end = unread.upperBound
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { dash_read_some(descriptor, $0 + end, bytes.count - end) } ?? -1
        }
        guard count > 0 else { return false }
        unread = unread.lowerBound..<(end + count)
        return true
    }
}

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
