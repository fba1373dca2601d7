/// What signals mean for a worker's program, as Celery has it: SIGTERM and SIGINT stop it when the running work is done;
/// SIGQUIT, or SIGINT while it is stopping, stops it at once.
struct SignalLadder: Sendable {
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
