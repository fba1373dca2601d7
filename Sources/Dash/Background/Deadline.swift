import NIOCore
import NIOPosix
import Support

/// Runs an operation and cancels it when a time has passed.
///
/// The timer is an event loop's, which is removed when the operation ends earlier. That of `Task.sleep` stays until its
/// time has come, also when its task was cancelled; with thousands of requests a second these timers cost more than the
/// rest of a wait.
///
/// - Parameters:
///   - limit: The longest time the operation has until it is cancelled.
///   - operation: Returns soon after it was cancelled.
func withDeadline(after limit: Duration, _ operation: @escaping @Sendable () async -> Void) async {
    let loop = MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
    let work = Task(executorPreference: LoopExecutor()) { await operation() }
    let timer = loop.scheduleTask(in: TimeAmount(limit)) { work.cancel() }
    defer { timer.cancel() }
    await withTaskCancellationHandler {
        await work.value
    } onCancel: {
        work.cancel()
    }
}
