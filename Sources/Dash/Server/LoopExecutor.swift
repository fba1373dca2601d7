import NIOCore
import NIOPosix
import ServiceLifecycle

/// Runs tasks on event loops: one that is resumed by a loop goes on upon that loop.
///
/// A connection's tasks are resumed by its own loop, when something was read or written. To go on there spares the change
/// to a thread of Swift's pool and back, which costs more than all the rest of a small request. Code of the app, which
/// may block, never runs here; see ``CallbackExecutor``.
final class LoopExecutor: TaskExecutor {
    private let home: (any EventLoop)?

    /// - Parameter home: the loop to run on in any case; nil is the one that a task is resumed by, else any.
    init(home: (any EventLoop)? = nil) {
        self.home = home
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = home ?? MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// A service whose tasks all run on event loops.
struct LoopService: Service {
    let service: any Service

    func run() async throws {
        try await withTaskExecutorPreference(LoopExecutor()) { try await service.run() }
    }
}
