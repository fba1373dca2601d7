internal import CDashSpawn

/// The environment a worker gets.
enum ChildEnvironment {
    /// How the runtime's crash reporter is to write: only what people read, of the crashed thread, and never a question.
    /// Only the first frames, as after a stack overflow it would walk through a hundred thousand.
    static let backtraceSettings = "enable=yes,color=no,interactive=no,preset=friendly,limit=8,top=0," + symbolication

    #if DEBUG
    // The whole lookup takes over a second in a large debug build, and finds no more: nothing is inlined there.
    private static let symbolication = "symbolicate=fast"
    #else
    private static let symbolication = "symbolicate=full"
    #endif

    /// This process's environment.
    static var current: [String] {
        var lines: [String] = []
        var entry = dash_environment()
        while let line = entry.pointee {
            lines.append(String(cString: line))
            entry += 1
        }
        return lines
    }

    /// The lines `NAME=value` of a worker's environment.
    ///
    /// - Parameters:
    ///   - base: Those of this process.
    ///   - extra: What the pool's configuration adds or replaces.
    static func lines(base: [String], extra: [String: String]) -> [String] {
        var settings = backtraceSettings
        var lines: [String] = []
        for line in base {
            guard let end = line.firstIndex(of: "="), extra[String(line[..<end])] == nil else { continue }
            if line[..<end] == backtrace {
                settings += "," + line[line.index(after: end)...]  // What stands later wins: the user's own.
            } else {
                lines.append(line)
            }
        }
        if extra[backtrace] == nil { lines.append("\(backtrace)=\(settings)") }
        return lines + extra.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static let backtrace = "SWIFT_BACKTRACE"
}
