internal import CDashSpawn

/// Makes a failure of the end of a process and of what it printed last.
package struct CrashReport: Sendable {
    /// How it ended.
    package var end: ProcessEnd
    /// What it printed since its task began.
    package var output: String

    package init(end: ProcessEnd, output: String) {
        self.end = end
        self.output = output
    }

    /// What the task's starter is told.
    package var failure: WorkerFailure {
        switch end {
        case .exited(let code): exited(code)
        case .signalled(let signal): signalled(signal)
        }
    }

    private func exited(_ code: Int32) -> WorkerFailure {
        WorkerFailure(
            kind: .crash,
            code: "exit",
            message: "The worker process ended itself with exit code \(code) in the middle of the work.",
            trace: lastLines
        )
    }

    private func signalled(_ signal: Int32) -> WorkerFailure {
        let backtrace = Backtrace(output)
        return WorkerFailure(
            kind: .crash,
            code: "signal",
            message: message(Self.name(signal), backtrace),
            trace: backtrace?.text ?? lastLines,
            signal: signal
        )
    }

    private func message(_ signal: String, _ backtrace: Backtrace?) -> String {
        let place = backtrace.map(Self.place) ?? ""
        // Any other signal in a function that calls itself has a reason of its own.
        if signal == "SIGSEGV" || signal == "SIGBUS", backtrace?.isEndlessRecursion == true {
            return "The work trapped with \(signal)\(place): stack overflow, the function calls itself without end."
        }
        guard let reason = backtrace?.reason else { return unexplained(signal) }
        let isBare = signal == "SIGILL" && reason == "Illegal instruction"
        return "The work trapped with \(signal)\(place): \(isBare ? Self.likely : reason)."
    }

    private static func place(_ backtrace: Backtrace) -> String {
        let known = backtrace.place.map { "\($0.function) at \($0.place ?? $0.image)" }
        guard let trapped = backtrace.trappedWithoutPlace else { return known.map { " in \($0)" } ?? "" }
        return " in \(trapped.function)" + (known.map { ", called by \($0)" } ?? "")
    }

    private func unexplained(_ signal: String) -> String {
        switch signal {
        case "SIGKILL": "The worker process was killed (SIGKILL), by someone or by the system for want of memory."
        case "SIGILL", "SIGTRAP", "SIGSEGV", "SIGBUS":
            "The work trapped with \(signal): \(Self.likely) or a stack overflow. There is no backtrace, as the "
                + "program swift-backtrace was not found; set SWIFT_BACKTRACE=swift-backtrace=<its path>."
        default: "The worker process was ended by \(signal)."
        }
    }

    private var lastLines: String? {
        let lines = output.split(separator: "\n").suffix(40)
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// What an optimised program does not tell.
    private static let likely = "an index out of range, an arithmetic overflow or an unexpected nil"

    private static func name(_ signal: Int32) -> String {
        guard let name = dash_signal_name(signal) else { return "signal \(signal)" }
        return String(cString: name)
    }
}
