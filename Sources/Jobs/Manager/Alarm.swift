/// Calls back when the next deadline has come. Nothing runs and no timer is set while there is no deadline.
struct Alarm: Sendable {
    private let deadlines: AsyncStream<Duration>
    private let setter: AsyncStream<Duration>.Continuation

    init() {
        (deadlines, setter) = AsyncStream.makeStream(of: Duration.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Sets the alarm to a time that is earlier than the one it was set to.
    func set(to deadline: Duration) {
        setter.yield(deadline)
    }

    /// Ends ``run(clock:onTime:)``.
    func stop() {
        setter.finish()
    }

    /// Waits for deadlines until the alarm is stopped or the task is cancelled.
    func run(clock: any JobClock, onTime: @escaping @Sendable () async -> Void) async {
        var waiting: Task<Void, Never>?
        for await deadline in deadlines {
            waiting?.cancel()
            await waiting?.value
            waiting = Task {
                // One wait for the one next deadline; an idle manager has none.
                do { try await clock.sleep(until: deadline) } catch { return }
                await onTime()
            }
        }
        waiting?.cancel()
        await waiting?.value
    }
}
