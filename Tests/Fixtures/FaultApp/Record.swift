import Foundation

/// Appends a line to a file in the test's folder.
func note(_ line: String, in name: String) {
    guard let folder = ProcessInfo.processInfo.environment["FAULT_FOLDER"] else { return }
    let path = "\(folder)/\(name)"
    guard let file = fopen(path, "a") else { return }
    fputs("\(line)\n", file)
    fclose(file)
}
