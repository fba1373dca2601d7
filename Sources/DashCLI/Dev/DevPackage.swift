import Dash
import DashJSON
import Foundation

/// The package in the working folder, as its build tool describes it.
struct DevPackage: Sendable {
    /// The build tool: a name that is looked up in `PATH`, or a path.
    let swift: String
    /// The package's folder.
    let folder: String
    /// Where it is built; nil is the tool's own choice.
    let buildPath: String?
    let environment: [String: String]

    /// The product to serve: the one that was named, else the only program.
    ///
    /// - Throws: ``DevError``.
    func product(named name: String?) throws -> String {
        if let name { return name }
        let description = try ask(["package", "describe", "--type", "json"])
        let text = description.drop { !$0.hasPrefix("{") }.joined(separator: "\n")
        guard let json = try? JSON(parsing: text) else {
            throw DevError("“swift package describe” does not answer in JSON. Name the app: --product NAME")
        }
        let programs = (json["products"].arrayValue ?? [])
            .filter { $0["type"].objectValue?["executable"] != nil }.compactMap { $0["name"].stringValue }
        guard let only = programs.first, programs.count == 1 else {
            throw DevError(
                programs.isEmpty
                    ? "The package in \(folder) has no program: its manifest needs an executableTarget."
                    : "The package has several programs: name one of \(programs.joined(separator: ", ")) with --product."
            )
        }
        return only
    }

    /// Where the build puts programs.
    ///
    /// - Throws: ``DevError``.
    func programFolder() throws -> String {
        let lines = try ask(["build", "--show-bin-path"] + buildPathArguments)
        guard let path = lines.last(where: { $0.hasPrefix("/") }) else {
            throw DevError("“swift build --show-bin-path” names no folder.")
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
                throw DevError("There is no program \(swift). Install Swift, or name it with --swift.")
            }
            return path
        }
    }

    private func command(_ arguments: [String]) -> Command {
        Command(executable: swift, arguments: arguments, environment: environment)
    }

    private func ask(_ arguments: [String]) throws -> [String] {
        guard let result = command(arguments).run(onLine: { _ in }) else {
            throw DevError("There is no program \(swift). Install Swift, or name it with --swift.")
        }
        guard result.status == 0 else {
            let output = result.output.joined(separator: "\n")
            throw DevError("“swift \(arguments.joined(separator: " "))” failed:\n\(output)")
        }
        return result.output
    }
}

/// Why `dash-swift dev` cannot begin.
struct DevError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
