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
            var ladder = SignalLadder()
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

extension SignalLadder.Signal {
    fileprivate func story(_ step: SignalLadder.Step) -> String {
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
