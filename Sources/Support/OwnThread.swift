import CDashSpawn
package import NIOCore
import NIOPosix

/// Threads of our own, for what waits in system calls: nothing blocks Swift's cooperative pool.
package enum OwnThread {
    /// Starts a thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - stackSize: Its stack in bytes.
    ///   - body: What it does.
    /// - Returns: Whether the system had room for one more thread.
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

    /// Runs `body` on a thread of its own and returns what it returns. Cancellation of the task has no effect.
    ///
    /// - Throws: What `body` throws, or ``NoRoom``.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isStarted = start(stackSize: 8 << 20) { continuation.resume(with: Result(catching: body)) }
            if !isStarted { continuation.resume(throwing: NoRoom()) }
        }
    }

    /// The system has no room for one more thread.
    package struct NoRoom: Error, CustomStringConvertible {
        /// Makes the error.
        package init() {}

        /// The sentence.
        package var description: String { "The system has no room for one more thread." }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

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
