import NIOPosix

/// Runs regular callbacks on threads of their own.
///
/// Users' callbacks may block: read files, ask a database, compute. On Swift's own few threads that would starve every poll
/// and every other request; here it only holds one of these.
final class CallbackExecutor: TaskExecutor {
    private let threads: NIOThreadPool

    /// - Parameter threadCount: callbacks that can block at the same time without delaying others.
    init(threadCount: Int) {
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Ends the threads; nothing may run on them any more.
    func shutDown() async throws {
        try await threads.shutdownGracefully()
    }
}
