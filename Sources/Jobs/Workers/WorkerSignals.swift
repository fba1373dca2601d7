// Dispatch sources may be used from any thread, but are not annotated as Sendable.
@preconcurrency import Dispatch
package import Logging
package import ServiceLifecycle
import Support

/// Signal handling of a worker program.
package enum WorkerSignals {
    /// Runs a worker until it finishes or signals stop it: SIGTERM and SIGINT shut it down gracefully, SIGQUIT and a
    /// second SIGINT cancel it.
    ///
    /// - Parameters:
    ///   - worker: The worker.
    ///   - logger: Logs the signals.
    /// - Returns: The program's exit code: 0, or 1 after SIGINT.
    /// - Throws: Errors of the worker, unless it was cancelled.
    package static func run(_ worker: any Service, logger: Logger) async throws -> Int32 {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: .quiet
            )
        )
        let signals = StopSignals()
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { signals.finish() }
                try await group.run()
            }
            var ladder = ShutdownSignals()
            var isCancelled = false
            for await signal in signals {
                let step = ladder.received(signal)
                logger.info("\(signal.story(step))")
                switch step {
                case .none: break
                case .stopWarm: await group.triggerGracefulShutdown()
                case .stopCold:
                    isCancelled = true
                    tasks.cancelAll()
                }
            }
            do {
                try await tasks.waitForAll()
            } catch  where isCancelled {
                // The error of the requested cancellation.
            }
            return ladder.exitCode
        }
    }
}

extension ShutdownSignals.Signal {
    fileprivate func story(_ step: ShutdownSignals.Step) -> String {
        let name =
            switch self {
            case .terminate: "SIGTERM"
            case .interrupt: "SIGINT"
            case .quit: "SIGQUIT"
            }
        switch step {
        case .none: return "\(name) again: the worker is already stopping."
        case .stopWarm: return "\(name): the worker stops when the running tasks have ended. Ctrl-C stops it at once."
        case .stopCold: return "\(name): the worker stops at once; running tasks are requeued."
        }
    }
}

extension Logger {
    /// Discards the service group's own messages.
    fileprivate static var quiet: Logger { Logger(label: "worker-signals") { _ in SwiftLogNoOpLogHandler() } }
}

/// The meaning of signals, as in Celery: SIGTERM and SIGINT stop the worker after its running tasks; SIGQUIT, or SIGINT
/// while it is stopping, stops it at once.
struct ShutdownSignals: Sendable {
    enum Signal: Sendable, Hashable {
        case terminate
        case interrupt
        case quit
    }

    enum Step: Sendable, Hashable {
        case none
        case stopWarm
        case stopCold
    }

    private var isStopping = false
    private var isCold = false
    /// The program's exit code: 1 after SIGINT.
    private(set) var exitCode: Int32 = 0

    mutating func received(_ signal: Signal) -> Step {
        if signal == .interrupt { exitCode = 1 }
        let wantsCold = signal == .quit || (signal == .interrupt && isStopping)
        if wantsCold {
            defer { (isStopping, isCold) = (true, true) }
            return isCold ? .none : .stopCold
        }
        defer { isStopping = true }
        return isStopping ? .none : .stopWarm
    }
}

/// Receives the signals that stop a program; their default actions are disabled.
///
/// The sequence of the received signals lasts until ``finish()``.
final class StopSignals: AsyncSequence, Sendable {
    private let signals: AsyncStream<ShutdownSignals.Signal>
    private let continuation: AsyncStream<ShutdownSignals.Signal>.Continuation
    private let sources: [any DispatchSourceSignal]

    init() {
        let (signals, continuation) = AsyncStream.makeStream(of: ShutdownSignals.Signal.self)
        (self.signals, self.continuation) = (signals, continuation)
        let numbers: [(Int32, ShutdownSignals.Signal)] = [
            (SIGTERM, .terminate), (SIGINT, .interrupt), (SIGQUIT, .quit),
        ]
        let queue = DispatchQueue(label: "stop-signals")
        sources = numbers.map { number, meaning in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // Signals that were merged are reported with their count.
                for _ in 0..<Swift.max(1, source.data) { continuation.yield(meaning) }
            }
            source.resume()
            return source
        }
    }

    func makeAsyncIterator() -> AsyncStream<ShutdownSignals.Signal>.Iterator { signals.makeAsyncIterator() }

    func finish() {
        continuation.finish()
        for source in sources { source.cancel() }
    }
}
