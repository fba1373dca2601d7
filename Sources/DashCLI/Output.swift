import Foundation

/// Writes files and tells so.
enum Output {
    /// Writes a rendered file and prints its path.
    static func write(_ file: RenderedFile, under root: String) throws {
        let url = URL(fileURLWithPath: root).appendingPathComponent(file.path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.text.utf8).write(to: url, options: .atomic)
        print(file.path)
    }
}
