/// What a page shows of a build's output: the compiler's messages, each once, without the progress.
enum BuildOutput {
    /// - Parameters:
    ///   - lines: All that the build printed.
    ///   - folder: The package's, which is left out of paths.
    static func messages(in lines: [String], folder: String) -> String {
        let lines = lines.filter { !isProgress($0) }.map { $0.replacing("\(folder)/", with: "") }
        var seen: Set<String> = []
        // The compiler repeats a message for each file that it compiles together with the one at fault.
        let messages = blocks(of: lines).filter { seen.insert($0).inserted }
        let text = messages.joined(separator: "\n")
        return text.isEmpty ? "The build failed without a message." : text
    }

    /// A message begins at a line with file, line and column, and goes on until the next.
    private static func blocks(of lines: [String]) -> [String] {
        var blocks: [[String]] = []
        for line in lines {
            if line.isEmpty { continue }
            if blocks.isEmpty || line.contains(/^\S.*:\d+:\d+: (error|warning|note):/) || line.hasPrefix("error:") {
                blocks.append([])
            }
            blocks[blocks.count - 1].append(line)
        }
        return blocks.map { $0.joined(separator: "\n") }
    }

    private static func isProgress(_ line: String) -> Bool {
        line.contains(#/^\[\d+/\d+\] /#) || line.hasPrefix("Building for ") || line.hasPrefix("Build complete!")
            || line.hasPrefix("Planning build") || line == "error: fatalError"
            || line.contains(/^error: (emit-module|compile) command failed/)
    }
}
