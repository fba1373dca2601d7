import CDashSpawn
import DequeModule
import Dispatch
import Support
import Synchronization

/// Runs tasks in a worker process.
///
/// A separate thread reads the pool's frames, so that no job can delay a cancellation or the detection of the pool's
/// end, whatever it does to Swift's threads.
final class WorkerRuntime: Sendable {
    typealias Perform = @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]

    private let descriptor: Int32
    private let outbox: WorkerOutbox
    private let threads: JobThreads
    private let perform: Perform
    private let current: CurrentRun

    /// - Parameters:
    ///   - descriptor: The socket to the pool.
    ///   - mostBytes: The maximum size of unsent updates.
    ///   - perform: Performs a task.
    init(descriptor: Int32, mostBytes: Int = 64 << 20, perform: @escaping Perform) {
        self.descriptor = descriptor
        self.perform = perform
        let current = CurrentRun()
        self.current = current
        outbox = WorkerOutbox(descriptor: descriptor, mostBytes: mostBytes) { current.stop($0) }
        threads = JobThreads(count: ProcessorCount.online)
    }

    /// Reports ready to the pool and accepts tasks until the pool closes the connection.
    ///
    /// - Returns: false if the threads could not be created.
    func start(buildID: String) -> Bool {
        guard outbox.start() else { return false }
        outbox.write(.ready(buildID: buildID))
        return OwnThread.start { [self] in
            dash_channel_is_watched()
            var source = FrameSource(descriptor: descriptor)
            while let frame = source.next() { take(frame) }
            dash_kill_own_family()  // The pool has ended, or closed the socket to end this worker.
        }
    }

    private func take(_ frame: Frame) {
        switch frame {
        case .job(let run, let task): begin(run, task)
        case .cancel(let run): current.cancel(run)
        default: break  // Sent only by workers.
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

/// The entry point of a process that a ``WorkerPool`` started.
public enum WorkerProcess {
    /// Whether a pool started this process as a worker. False in programs that a worker starts, even the same
    /// executable: the marker is removed from the environment before `main`.
    public static var isWorker: Bool {
        guard let role = dash_spawn_role() else { return false }
        return String(cString: role) == "worker" && dash_spawn_channel() >= 0
    }

    /// Performs tasks until the pool ends this process; never returns. Exits with an error if no pool started it.
    ///
    /// Tasks run on dedicated threads with stacks of 16 MB. Cancelling a task cancels its Swift task; a
    /// `CancellationError` that it then throws is not a failure. A thrown error fails only its task; a thrown
    /// ``JobFailure`` is passed on unchanged. The main actor remains available to tasks, as this function suspends.
    ///
    /// - Parameters:
    ///   - buildID: The build of this program; the pool accepts only its own.
    ///   - perform: Performs one task and returns its result, usually JSON text.
    public static func serve(
        buildID: String = BuildID.current,
        perform: @escaping @Sendable (WorkerTask, WorkerChannel) async throws -> [UInt8]
    ) async -> Never {
        guard isWorker else { fail("WorkerProcess.serve was called in a process that no worker pool started.") }
        let runtime = WorkerRuntime(descriptor: dash_spawn_channel(), perform: perform)
        guard runtime.start(buildID: buildID) else { fail("The threads of a worker could not be created.") }
        while true { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }  // Never resumed.
    }

    private static func fail(_ sentence: String) -> Never {
        let line = Array((sentence + "\n").utf8)
        _ = dash_write_all(STDERR_FILENO, line, line.count)
        exit(EXIT_FAILURE)
    }
}

final class CurrentRun: Sendable {
    private let state = Mutex<State?>(nil)

    private struct State: Sendable {
        var run: UInt64
        var task: Task<Void, Never>
        var isCancelled = false
    }

    /// Begins a run. `start` starts its task, under the lock.
    func begin(_ run: UInt64, start: () -> Task<Void, Never>) {
        state.withLock { $0 = State(run: run, task: start()) }
    }

    func end() { state.withLock { $0 = nil } }

    /// The pool cancelled the run.
    func cancel(_ run: UInt64) {
        state.withLock { state in
            guard state?.run == run else { return }
            state?.isCancelled = true
        }
        stop(run)
    }

    /// Stops the run for a local reason: it does not count as cancelled.
    func stop(_ run: UInt64) {
        let task = state.withLock { $0?.run == run ? $0?.task : nil }
        task?.cancel()
    }

    /// Whether the pool cancelled the run.
    func isCancelled(_ run: UInt64) -> Bool {
        state.withLock { $0?.run == run && $0?.isCancelled == true }
    }
}

/// Reads frames from a socket with as few calls as possible.
struct FrameSource {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    /// The buffered bytes that are not consumed yet.
    private var unread = 0..<0

    /// - Parameter descriptor: The socket, blocking or not.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The next frame; nil at the end of the socket, or for an invalid frame.
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

    /// Reads available bytes into the free part of the buffer.
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

/// Runs jobs on dedicated threads: with stacks for deep recursion, with crash reports even for stack overflows, and
/// without blocking Swift's own threads.
final class JobThreads: TaskExecutor {
    private let jobs = Mutex(Deque<UnownedJob>())
    private let available = DispatchSemaphore(value: 0)

    /// Starts the threads; they run until the process ends.
    ///
    /// - Parameters:
    ///   - count: The number of threads; at least 2 are created, so that a job can wait for its child tasks.
    ///   - stackSize: The stack of each thread in bytes.
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
