import CDashSpawn
import Support

/// Makes a failure of the end of a process and of what it printed last.
package struct CrashReport: Sendable {
    /// How it ended.
    package var end: ExitStatus
    /// What it printed since its task began.
    package var output: String

    package init(end: ExitStatus, output: String) {
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

/// What the Swift runtime wrote when a process trapped.
struct Backtrace: Sendable, Hashable {
    /// Why, in the runtime's words, `Index out of range`.
    var reason: String?
    /// The first frames of the thread that trapped.
    var frames: [BacktraceFrame]
    /// All of it, from the reason on.
    var text: String

    /// Looks for the last one in a process's output.
    init?(_ output: String) {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        let header = lines.lastIndex { $0.hasPrefix("*** Signal ") }
        let message = lines[..<(header ?? lines.endIndex)].lastIndex { $0.contains(Self.fatal) }
        guard let start = [header, message].compactMap({ $0 }).min() else { return nil }
        let report = lines[start...]
        frames = header.map { lines[$0...].compactMap(BacktraceFrame.init) } ?? []
        text = report.joined(separator: "\n").trimmedEnd
        reason = message.flatMap { Self.fatalReason(lines[$0]) } ?? Self.headlineReason(report)
    }

    /// The first frame of the program's own code.
    var place: BacktraceFrame? { frames.first(where: \.isUserCode) }

    /// The function that trapped, if it is the program's and its line is not known: that of a check the compiler made. The
    /// ``place`` is where it was called then.
    var trappedWithoutPlace: BacktraceFrame? {
        frames.first.flatMap { $0.place == nil && $0.isOfProgram ? $0 : nil }
    }

    /// Whether functions called themselves so often that nothing else is seen.
    var isEndlessRecursion: Bool {
        guard let place, frames.count >= 6 else { return false }
        return frames.count { $0.function == place.function } * 3 >= frames.count
    }

    private static let fatal = "Fatal error: "

    private static func fatalReason(_ line: Substring) -> String? {
        guard let range = line.lastRange(of: fatal), range.upperBound < line.endIndex else { return nil }
        return String(line[range.upperBound...])
    }

    /// From `*** Swift runtime failure: arithmetic overflow ***` or `*** Program crashed: Aborted at 0x17 ***`.
    private static func headlineReason(_ lines: ArraySlice<Substring>) -> String? {
        for start in ["*** Swift runtime failure: ", "*** Program crashed: "] {
            guard let line = lines.first(where: { $0.hasPrefix(start) }) else { continue }
            let reason = line.dropFirst(start.count)
            let end = (reason.lastRange(of: " at 0x") ?? reason.lastRange(of: " ***"))?.lowerBound
            return String(reason[..<(end ?? reason.endIndex)])
        }
        return nil
    }
}

extension String {
    /// Without white space at its end.
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

/// One line of the runtime's backtrace: `3 element(_:) + 24 in myapp at /somewhere/Jobs.swift:27:19`.
package struct BacktraceFrame: Sendable, Hashable {
    /// The function, without the compiler's own remarks.
    package var function: String
    /// The program or library.
    package var image: String
    /// File and line, `Jobs.swift:27`, where they are known.
    package var place: String?

    /// Reads a line; nil if it is not that of a frame.
    package init?(_ line: some StringProtocol) {
        var rest = Substring(line.drop { $0 == " " })
        guard let number = Self.takeWord(&rest), !number.isEmpty, number.allSatisfy(\.isWholeNumber) else { return nil }
        while rest.hasPrefix("0x") || rest.hasPrefix("[") { _ = Self.takeWord(&rest) }
        var position: Substring?
        if let at = rest.lastRange(of: " at ") {
            position = rest[at.upperBound...]
            rest = rest[..<at.lowerBound]
        }
        guard let within = rest.lastRange(of: " in ") else { return nil }
        image = String(rest[within.upperBound...])
        function = Self.readable(rest[..<within.lowerBound])
        place = position.flatMap(Self.place)
    }

    /// Whether this is code of the program, not of the runtime.
    package var isUserCode: Bool { place != nil && isOfProgram }

    /// Whether this is a function in the program itself, not in a library.
    package var isOfProgram: Bool {
        !image.hasPrefix("lib") && !image.contains(".so") && !function.hasPrefix("Swift runtime failure")
    }

    private static func takeWord(_ text: inout Substring) -> Substring? {
        guard !text.isEmpty else { return nil }
        // The last word takes the text's end: a frame without a name ends with its address.
        let end = text.firstIndex(of: " ") ?? text.endIndex
        defer { text = text[end...].drop { $0 == " " } }
        return text[..<end]
    }

    /// `/somewhere/Jobs.swift:27:19` becomes `Jobs.swift:27`.
    private static func place(_ position: Substring) -> String? {
        let file = position.split(separator: "/").last ?? position
        let parts = file.split(separator: ":")
        guard parts.count > 1, !file.contains("<compiler-generated>") else { return nil }
        return "\(parts[0]):\(parts[1])"
    }

    /// `specialized sum(_:_:) + 14` becomes `sum(_:_:)`.
    private static func readable(_ name: Substring) -> String {
        var name = name
        if let plus = name.lastRange(of: " + ") { name = name[..<plus.lowerBound] }
        while name.hasPrefix("specialized ") { name = name.dropFirst("specialized ".count) }
        if name.contains("thunk for") || name.count > 200 { return "a closure" }
        return String(name)
    }
}

extension StringProtocol {
    /// Where `text` stands for the last time.
    func lastRange(of text: String) -> Range<Index>? {
        var end = endIndex
        while let start = index(end, offsetBy: -text.count, limitedBy: startIndex) {
            if self[start..<end] == text { return start..<end }
            guard end > startIndex else { return nil }
            end = index(before: end)
        }
        return nil
    }
}

/// Which build of the program this is: a server and its workers must be of one.
public enum BuildID {
    /// The build of this process's executable: its linker's build id where it has one, else a text made of its size and
    /// time of change. The same file gives the same text in every process.
    public static let current: String = linkerBuildID() ?? fileIdentity() ?? "unknown"

    private static func linkerBuildID() -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            let count = dash_build_id(buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            return Hexadecimal.text(buffer.prefix(Int(count)))
        }
    }

    private static func fileIdentity() -> String? {
        var size: Int64 = 0
        var nanoseconds: Int64 = 0
        guard dash_file_identity(OwnExecutable.path, &size, &nanoseconds) == 0 else { return nil }
        return "file-" + String(size, radix: 16) + "-" + String(nanoseconds, radix: 16)
    }
}

/// Where this process's own executable is.
enum OwnExecutable {
    /// On Linux the running file itself, even if another has taken its place on the disk.
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard dash_own_executable(&buffer, buffer.count) == 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}

/// How many cores there are to work on.
enum ProcessorCount {
    /// The cores that are in use by the system, at least 1.
    static let online: Int = max(1, Int(dash_processor_count()))
}
