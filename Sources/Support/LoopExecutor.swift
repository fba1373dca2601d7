package import NIOCore
internal import NIOPosix

/// Runs tasks on event loops. Nothing that blocks may run there.
package final class LoopExecutor: TaskExecutor {
    private let home: (any EventLoop)?

    /// - Parameter home: The loop to run on in any case; nil is the one that a task is resumed by, else any.
    package init(home: (any EventLoop)? = nil) {
        self.home = home
    }

    /// Runs a task's next part on its loop.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = home ?? MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
