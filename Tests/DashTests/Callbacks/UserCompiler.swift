import Foundation

/// Type-checks programs against the built module, as for a user.
struct UserCompiler {
    private let swiftc: String
    private let flags: [String]

    /// The compiler and flags of this build; `nil` if the build has no description of them.
    static let found = UserCompiler(executable: Bundle.main.executableURL)

    private init?(executable: URL?) {
        // …/.build/<target>/debug/<tests> and …/.build/debug.yaml
        guard let folder = executable?.resolvingSymlinksInPath().deletingLastPathComponent() else { return nil }
        let builds = folder.deletingLastPathComponent().deletingLastPathComponent()
        let manifest = builds.appending(path: folder.lastPathComponent + ".yaml")
        guard let text = try? String(contentsOf: manifest, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.contains(#""-module-name","DashTests""#) }),
            let start = line.firstIndex(of: "["),
            let command = try? JSONDecoder().decode([String].self, from: Data(line[start...].utf8)),
            let swiftc = command.first
        else { return nil }
        self.swiftc = swiftc
        flags = Self.searchFlags(in: command)
    }

    /// The module search flags of a command.
    private static func searchFlags(in command: [String]) -> [String] {
        zip(command, command.dropFirst()).flatMap { flag, value in
            ["-I", "-Xcc", "-module-cache-path"].contains(flag) ? [flag, value] : []
        }
    }

    /// Type-checks several files together.
    ///
    /// - Returns: The errors of each file, in order.
    func errors(in files: [String: String]) throws -> [String: [String]] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "user-compiler-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.appending(path: name + ".swift"))
        }
        let output = try run(
            in: folder,
            ["-typecheck", "-wmo", "-swift-version", "6"] + flags + files.keys.map { $0 + ".swift" }
        )
        return Self.errors(in: output)
    }

    private func run(in folder: URL, _ arguments: [String]) throws -> String {
        let compiler = Process(), output = Pipe()
        compiler.executableURL = URL(filePath: swiftc)
        compiler.arguments = arguments
        compiler.currentDirectoryURL = folder
        compiler.standardError = output
        try compiler.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        compiler.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// Parses lines such as `name.swift:1:2: error: message`.
    private static func errors(in output: String) -> [String: [String]] {
        output.split(separator: "\n").reduce(into: [:]) { errors, line in
            guard let mark = line.range(of: ": error: "), let name = line.range(of: ".swift:") else { return }
            let file = line[..<name.lowerBound].split(separator: "/").last.map(String.init) ?? ""
            errors[file, default: []].append(String(line[mark.upperBound...]))
        }
    }
}
