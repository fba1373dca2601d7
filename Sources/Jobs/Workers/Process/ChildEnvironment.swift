internal import CDashSpawn

/// The environment a worker gets.
package enum ChildEnvironment {
    /// How the runtime's crash reporter is to write: of the crashed thread, and never a question. Only the first frames,
    /// as after a stack overflow it would walk through a hundred thousand. The whole lookup of names takes over a second
    /// in a debug build of 100 MB, three in a release build of 80 MB; the quick one takes a failed check for generated
    /// code, a frame that only the full preset shows.
    package static let backtraceSettings =
        "enable=yes,color=no,interactive=no,preset=full,threads=crashed,registers=none,images=none,symbolicate=fast,"
        + "limit=8,top=0"

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
