/// Something that is waited for at a start. One may wait.
final class StartingGate: Sendable {
    private let (stream, end) = AsyncStream<Never>.makeStream()

    /// From now on nobody waits.
    func open() { end.finish() }

    /// Waits until it is open, or the task is cancelled.
    func passed() async { for await _ in stream {} }
}
