internal import CDashSpawn
internal import Support

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
