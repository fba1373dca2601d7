import Foundation

/// Writes files and tells what happens.
enum Output {
    /// Prints a line at once, also where the output is no terminal.
    static func line(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// Writes a rendered file and prints its path.
    static func write(_ file: RenderedFile, under root: String) throws {
        let url = URL(fileURLWithPath: root).appendingPathComponent(file.path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: url, options: .atomic)
        line(file.path)
    }
}
