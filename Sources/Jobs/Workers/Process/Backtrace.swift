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
