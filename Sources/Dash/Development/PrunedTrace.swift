import Jobs

/// The part of a backtrace that is about the program itself.
enum PrunedTrace {
    /// Where the sources of this package lie, for frames of our own; the compiler puts the same paths into both.
    private static let ownSources: String = {
        let file = "\(#filePath)"
        return file.firstRange(of: "/Dash/Development/").map { String(file[..<$0.lowerBound]) } ?? file
    }()

    /// The reason and the frames of the program's own code, a line each; the whole text where there are none.
    static func text(of trace: String, ownSources: String = ownSources) -> String {
        let lines = trace.split(separator: "\n", omittingEmptySubsequences: false)
        let isLibrary = { (line: Substring) in line.contains(" at \(ownSources)/") || line.contains("/checkouts/") }
        let frames = lines.filter { !isLibrary($0) }.compactMap { BacktraceFrame($0) }.filter(\.isUserCode)
        guard !frames.isEmpty else { return trace }
        let reason = lines.prefix { !$0.hasPrefix("Thread ") && !$0.isEmpty }
        return (reason.map(String.init) + frames.map { "    \($0.function) at \($0.place ?? $0.image)" })
            .joined(separator: "\n")
    }
}
