import CDashSpawn
package import NIOCore
import NIOPosix

/// Dedicated threads for blocking system calls, which would block Swift's cooperative pool.
package enum OwnThread {
    /// Starts a thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - stackSize: The stack in bytes.
    ///   - body: The code to run.
    /// - Returns: false if the thread could not be created.
    package static func start(stackSize: Int = 256 << 10, _ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(Body(run: body))
        let failed = dash_start_thread(
            stackSize,
            { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() },
            box.toOpaque()
        )
        if failed != 0 { box.release() }
        return failed == 0
    }

    /// Runs `body` on a dedicated thread and returns its result. Cancellation of the task has no effect.
    ///
    /// - Throws: What `body` throws, or ``NoRoom``.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isStarted = start(stackSize: 8 << 20) { continuation.resume(with: Result(catching: body)) }
            if !isStarted { continuation.resume(throwing: NoRoom()) }
        }
    }

    /// A thread could not be created.
    package struct NoRoom: Error, CustomStringConvertible {
        /// Creates the error.
        package init() {}

        /// The message.
        package var description: String { "A thread could not be created." }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

/// Runs tasks on event loops; they must not block.
package final class LoopExecutor: TaskExecutor {
    private let home: (any EventLoop)?

    /// - Parameter home: A fixed event loop; nil is the loop that resumes a task, or else any.
    package init(home: (any EventLoop)? = nil) {
        self.home = home
    }

    /// Schedules a job on its loop.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let loop = home ?? MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
