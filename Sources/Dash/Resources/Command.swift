import Foundation

/// A program that is run to its end, its output read line by line.
package struct Command {
    /// A name that is looked up in `PATH`, or a path.
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]

    package init(executable: String, arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// How a program ended.
    package struct Result {
        /// The exit status; a signal's number if it was killed.
        package var status: Int32
        /// What it printed, errors included, by lines.
        package var output: [String]
    }

    /// Runs the program on the calling thread, which waits.
    ///
    /// - Parameter onLine: Is called with each line as it is printed.
    /// - Returns: How it ended; nil if there is no such program.
    package func run(onLine: (String) -> Void) -> Result? {
        guard let path else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return nil }
        // Ours would keep the pipe open after the program has ended.
        try? pipe.fileHandleForWriting.close()
        let output = lines(from: pipe.fileHandleForReading, onLine: onLine)
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: output)
    }

    private func lines(from handle: FileHandle, onLine: (String) -> Void) -> [String] {
        var lines: [String] = []
        var rest: [UInt8] = []
        func take(_ bytes: some Sequence<UInt8>) {
            let line = String(decoding: Array(bytes), as: UTF8.self)
            lines.append(line)
            onLine(line)
        }
        while case let data = handle.availableData, !data.isEmpty {
            rest += data
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                take(rest[..<end])
                rest.removeFirst(end + 1)
            }
        }
        if !rest.isEmpty { take(rest) }
        return lines
    }

    /// The program's path: itself if it has a slash, else the first in `PATH` that may be run.
    package var path: String? {
        guard !executable.contains("/") else { return executable }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(executable)" }.first(where: FileManager.default.isExecutableFile)
    }
}
