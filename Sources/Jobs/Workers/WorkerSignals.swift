// Dispatch says nowhere that its sources may be used from any thread, as they may.
@preconcurrency import Dispatch
package import Logging
package import ServiceLifecycle

/// What a program does that is a worker.
package enum WorkerSignals {
    /// Runs a worker until it is done by itself, or signals end it: SIGTERM and SIGINT are its graceful shutdown, SIGQUIT and
    /// a further SIGINT cancel it.
    ///
    /// - Parameters:
    ///   - worker: The worker.
    ///   - logger: Where signals are told.
    /// - Returns: What the program is to exit with: 0, or 1 after SIGINT.
    /// - Throws: what the worker throws, unless it was cancelled.
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
            for await signal in signals.signals {
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
                // The end that was asked for.
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
        case .none: return "\(name) again: the worker is stopping already."
        case .stopWarm: return "\(name): the worker stops when the running tasks have ended. Ctrl-C stops it at once."
        case .stopCold: return "\(name): the worker stops at once; the running tasks go back to their queue."
        }
    }
}

extension Logger {
    /// Says nothing: the group's own words about services are of no use to people.
    fileprivate static var quiet: Logger { Logger(label: "worker-signals") { _ in SwiftLogNoOpLogHandler() } }
}

/// What signals mean for a worker's program, as Celery has it: SIGTERM and SIGINT stop it when the running work is done;
/// SIGQUIT, or SIGINT while it is stopping, stops it at once.
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
    /// What the program exits with: 1 after SIGINT.
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

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Takes the signals that stop a program: they do nothing else from then on.
final class StopSignals: Sendable {
    /// The signals that came, until ``finish()``.
    let signals: AsyncStream<ShutdownSignals.Signal>
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
