import Synchronization
import Testing

@testable import Dash

@Suite("A wait with a deadline")
struct DeadlineTests {
    /// Suspends until its task is cancelled.
    private static func untilCancelled() async {
        let (never, _) = AsyncStream<Void>.makeStream()
        for await _ in never {}
    }

    @Test("ends with the operation, long before the deadline")
    func operationEnds() async {
        let isDone = Mutex(false)
        await withDeadline(after: .seconds(3600)) { isDone.withLock { $0 = true } }
        #expect(isDone.withLock { $0 })
    }

    @Test("cancels the operation when the time has passed")
    func deadlinePasses() async {
        await withDeadline(after: .milliseconds(1)) { await Self.untilCancelled() }
    }

    @Test("cancels the operation when the one who waits is cancelled")
    func waiterIsCancelled() async {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let waiting = Task {
            await withDeadline(after: .seconds(3600)) {
                begin.finish()
                await Self.untilCancelled()
            }
        }
        for await _ in begun {}
        waiting.cancel()
        await waiting.value
    }
}
