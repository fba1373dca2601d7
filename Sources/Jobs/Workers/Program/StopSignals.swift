// Dispatch says nowhere that its sources may be used from any thread, as they may.
@preconcurrency internal import Dispatch

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Takes the signals that stop a program: they do nothing else from then on.
final class StopSignals: Sendable {
    /// The signals that came, until ``finish()``.
    let signals: AsyncStream<SignalLadder.Signal>
    private let continuation: AsyncStream<SignalLadder.Signal>.Continuation
    private let sources: [any DispatchSourceSignal]

    init() {
        let (signals, continuation) = AsyncStream.makeStream(of: SignalLadder.Signal.self)
        (self.signals, self.continuation) = (signals, continuation)
        let numbers: [(Int32, SignalLadder.Signal)] = [
            (SIGTERM, .terminate), (SIGINT, .interrupt), (SIGQUIT, .quit),
        ]
        let queue = DispatchQueue(label: "stop-signals")
        sources = numbers.map { number, meaning in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // Signals that came while nobody looked are told as one, with their number.
                for _ in 0..<max(1, source.data) { continuation.yield(meaning) }
            }
            source.resume()
            return source
        }
    }

    func finish() {
        continuation.finish()
        for source in sources { source.cancel() }
    }
}
