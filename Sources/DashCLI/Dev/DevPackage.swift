import Dash
import DashJSON
import Foundation

/// The package in the working folder, as described by its build tool.
struct DevPackage: Sendable {
    /// The build tool: a name looked up in `PATH`, or a path.
    let swift: String
    let folder: String
    /// The build folder; nil for the tool's default.
    let buildPath: String?
    let environment: [String: String]

    /// The product to serve: the given one, otherwise the only executable.
    ///
    /// - Throws: ``DevError``.
    func product(named name: String?) throws -> String {
        if let name { return name }
        let description = try ask(["package", "describe", "--type", "json"])
        let text = description.drop { !$0.hasPrefix("{") }.joined(separator: "\n")
        guard let json = try? JSON(parsing: text) else {
            throw DevError("“swift package describe” does not print valid JSON. Set the app with --product NAME.")
        }
        let programs = (json["products"].arrayValue ?? [])
            .filter { $0["type"].objectValue?["executable"] != nil }.compactMap { $0["name"].stringValue }
        guard let only = programs.first, programs.count == 1 else {
            throw DevError(
                programs.isEmpty
                    ? "The package in \(folder) has no executable. Add an executableTarget to its manifest."
                    : "The package has several executables. Choose with --product: \(programs.joined(separator: ", "))."
            )
        }
        return only
    }

    /// The folder of built executables.
    ///
    /// - Throws: ``DevError``.
    func programFolder() throws -> String {
        let lines = try ask(["build", "--show-bin-path"] + buildPathArguments)
        guard let path = lines.last(where: { $0.hasPrefix("/") }) else {
            throw DevError("“swift build --show-bin-path” does not print a folder.")
        }
        return path
    }

    /// The build's path and its command line.
    ///
    /// - Throws: ``DevError``.
    func build(_ product: String) throws -> (path: String, arguments: [String]) {
        (try program, [swift, "build", "--product", product] + buildPathArguments)
    }

    private var buildPathArguments: [String] { buildPath.map { ["--build-path", $0] } ?? [] }

    private var program: String {
        get throws {
            guard let path = command([]).path else {
                throw DevError("\(swift) was not found. Install Swift, or set its path with --swift.")
            }
            return path
        }
    }

    private func command(_ arguments: [String]) -> Command {
        Command(executable: swift, arguments: arguments, environment: environment)
    }

    private func ask(_ arguments: [String]) throws -> [String] {
        guard let result = command(arguments).run(onLine: { _ in }) else {
            throw DevError("\(swift) was not found. Install Swift, or set its path with --swift.")
        }
        guard result.status == 0 else {
            let output = result.output.joined(separator: "\n")
            throw DevError("“swift \(arguments.joined(separator: " "))” failed:\n\(output)")
        }
        return result.output
    }
}

/// Why `dash-swift dev` cannot start.
struct DevError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
