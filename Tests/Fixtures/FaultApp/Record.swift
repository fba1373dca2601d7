import Foundation

/// Adds a line to a file in the folder the test looks at.
func note(_ line: String, in name: String) {
    guard let folder = ProcessInfo.processInfo.environment["FAULT_FOLDER"] else { return }
    let path = "\(folder)/\(name)"
    if !FileManager.default.fileExists(atPath: path) { FileManager.default.createFile(atPath: path, contents: nil) }
    guard let file = FileHandle(forWritingAtPath: path) else { return }
    file.seekToEndOfFile()
    file.write(Data("\(line)\n".utf8))
    file.closeFile()
}
