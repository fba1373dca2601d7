import CDashSpawn
import Support

/// Derives a failure from the exit status and the last output of a process.
package struct CrashReport: Sendable {
    package var end: ExitStatus
    /// The output since the task began.
    package var output: String

    package init(end: ExitStatus, output: String) {
        self.end = end
        self.output = output
    }

    package var failure: JobFailure {
        switch end {
        case .exited(let code): exited(code)
        case .signalled(let signal): signalled(signal)
        }
    }

    private func exited(_ code: Int32) -> JobFailure {
        JobFailure(
            kind: .crash,
            code: "exit",
            message: "The worker process ended with exit code \(code) while it ran the job.",
            trace: lastLines
        )
    }

    private func signalled(_ signal: Int32) -> JobFailure {
        let backtrace = Backtrace(output)
        return JobFailure(
            kind: .crash,
            code: "signal",
            message: message(ExitStatus.name(of: signal), backtrace),
            trace: backtrace?.text ?? lastLines
        )
    }

    private func message(_ signal: String, _ backtrace: Backtrace?) -> String {
        let place = backtrace.map(Self.place) ?? ""
        // Other signals in a recursive function have another reason.
        if signal == "SIGSEGV" || signal == "SIGBUS", backtrace?.isEndlessRecursion == true {
            return "The process trapped with \(signal)\(place): stack overflow by unbounded recursion."
        }
        guard let reason = backtrace?.reason else { return unexplained(signal) }
        let isBare = signal == "SIGILL" && reason == "Illegal instruction"
        return "The process trapped with \(signal)\(place): \(isBare ? Self.likely : reason)."
    }

    private static func place(_ backtrace: Backtrace) -> String {
        let known = backtrace.place.map { "\($0.function) at \($0.place ?? $0.image)" }
        guard let trapped = backtrace.trappedWithoutPlace else { return known.map { " in \($0)" } ?? "" }
        return " in \(trapped.function)" + (known.map { ", called by \($0)" } ?? "")
    }

    private func unexplained(_ signal: String) -> String {
        switch signal {
        case "SIGKILL": "The worker process was killed (SIGKILL), by a user or by the system when out of memory."
        case "SIGILL", "SIGTRAP", "SIGSEGV", "SIGBUS":
            "The process trapped with \(signal): \(Self.likely) or a stack overflow. There is no backtrace, as the "
                + "program swift-backtrace was not found; set SWIFT_BACKTRACE=swift-backtrace=<its path>."
        default: "The worker process was ended by \(signal)."
        }
    }

    private var lastLines: String? {
        let lines = output.split(separator: "\n").suffix(40)
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// Causes that an optimized program does not report.
    private static let likely = "an index out of range, an arithmetic overflow or an unexpected nil"

}

/// The report of the Swift runtime about a trap.
struct Backtrace: Sendable, Hashable {
    /// The runtime's reason, for example `Index out of range`.
    var reason: String?
    /// The first frames of the crashed thread.
    var frames: [BacktraceFrame]
    /// The report from the reason on.
    var text: String

    /// Finds the last report in a process's output.
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

    /// The function that trapped, if it belongs to the program and its line is unknown, as in compiler-generated
    /// checks. ``place`` is then its caller.
    var trappedWithoutPlace: BacktraceFrame? {
        frames.first.flatMap { $0.place == nil && $0.isOfProgram ? $0 : nil }
    }

    /// Whether most frames are of one function.
    var isEndlessRecursion: Bool {
        guard let place, frames.count >= 6 else { return false }
        return frames.count { $0.function == place.function } * 3 >= frames.count
    }

    private static let fatal = "Fatal error: "

    private static func fatalReason(_ line: Substring) -> String? {
        guard let range = line.lastRange(of: fatal), range.upperBound < line.endIndex else { return nil }
        return String(line[range.upperBound...])
    }

    /// The reason in `*** Swift runtime failure: arithmetic overflow ***` or `*** Program crashed: Aborted at 0x17
    /// ***`.
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
    /// The text without trailing white space.
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

/// One line of the runtime's backtrace: `3 element(_:) + 24 in myapp at /somewhere/Jobs.swift:27:19`.
package struct BacktraceFrame: Sendable, Hashable {
    /// The function, without the compiler's annotations.
    package var function: String
    package var image: String
    /// File and line, for example `Jobs.swift:27`, if known.
    package var place: String?

    /// Parses a line; nil if it is not a frame.
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

    /// Whether the frame is in the program's own code and has a known place.
    package var isUserCode: Bool { place != nil && isOfProgram }

    /// Whether the function is in the program itself, not in a library.
    package var isOfProgram: Bool {
        !image.hasPrefix("lib") && !image.contains(".so") && !function.hasPrefix("Swift runtime failure")
    }

    private static func takeWord(_ text: inout Substring) -> Substring? {
        guard !text.isEmpty else { return nil }
        // A frame without a name ends with its address.
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
    /// The range of the last occurrence of `text`.
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

/// Identifies the build of the program: a server and its workers must be of the same build.
public enum BuildID {
    /// The build of this process's executable: its linker's build id, or else a text from its size and modification
    /// time. The same file has the same id in every process.
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

package enum OwnExecutable {
    /// The path; on Linux the running file itself, even if it was replaced on disk.
    package static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard dash_own_executable(&buffer, buffer.count) == 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}

enum ProcessorCount {
    /// The number of online cores, at least 1.
    static let online: Int = max(1, Int(dash_processor_count()))
}
