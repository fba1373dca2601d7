import Foundation
import NIOPosix
import ServiceLifecycle

/// Runs regular callbacks, and other code of the app, on threads of their own.
///
/// Users' callbacks may block: read files, ask a database, compute. On Swift's own few threads that would starve every poll
/// and every other request; here it only holds one of these.
final class CallbackExecutor: TaskExecutor, Service {
    private let threads: NIOThreadPool

    /// - Parameter threadCount: callbacks that can block at the same time without delaying others.
    init(threadCount: Int = max(4, 2 * ProcessInfo.processInfo.activeProcessorCount)) {
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Ends the threads when the services that need them have ended. What still comes then runs where it comes from.
    func run() async throws {
        try? await gracefulShutdown()
        try await threads.shutdownGracefully()
    }
}
