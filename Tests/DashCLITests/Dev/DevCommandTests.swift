import ArgumentParser
import Dash
import Foundation
import Testing

@testable import DashCLI

@Suite("dash-swift dev")
struct DevCommandTests {
    @Test("Its own options come first, the rest is passed to the app")
    func options() throws {
        let line = ["dev", "--product", "a", "--port", "8051", "--build-path", "out", "serve", "--workers", "2"]
        let command = try #require(DashSwift.parseAsRoot(line) as? DevCommand)
        #expect(command.product == "a" && command.port == 8051 && command.buildPath == "out")
        #expect(command.arguments == ["serve", "--workers", "2"])
        let passed = try #require(DashSwift.parseAsRoot(["dev", "--", "--workers", "2"]) as? DevCommand)
        #expect(passed.arguments.drop { $0 == "--" } == ["--workers", "2"])
    }

    @Test("Invalid options are rejected", arguments: [["--port", "70000"], ["--interval", "0"]])
    func refusals(arguments: [String]) {
        #expect(throws: (any Error).self) { try DashSwift.parseAsRoot(["dev"] + arguments) }
    }

    @Test("The app runs in debug mode and polls often, unless the user sets the variables")
    func environment() throws {
        let command = try #require(DashSwift.parseAsRoot(["dev", "--port", "8051"]) as? DevCommand)
        let plain = command.environment(["HOME": "/h"], reportFile: "/r")
        #expect(
            plain == [
                "HOME": "/h", "PORT": "8051", "DASH_DEBUG": "1", "DASH_HOT_RELOAD_INTERVAL": "1",
                BuildReport.variable: "/r",
            ]
        )
        let own = command.environment(["DASH_DEBUG": "0", "DASH_HOT_RELOAD_INTERVAL": "5"], reportFile: "/r")
        #expect(own["DASH_DEBUG"] == "0" && own["DASH_HOT_RELOAD_INTERVAL"] == "5")
    }

    /// A package described by a script in place of `swift`.
    private func package(_ description: String) throws -> DevPackage {
        let path = NSTemporaryDirectory() + "dash-swift-package-" + UUID().uuidString
        try Data("#!/bin/sh\necho 'warning: first' >&2\ncat <<'E'\n\(description)\nE\n".utf8)
            .write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return DevPackage(swift: path, folder: "/p", buildPath: "/out", environment: [:])
    }

    @Test("The only executable of a package is the default; with several, one must be chosen")
    func product() throws {
        let library = #"{"name": "Lib", "type": {"library": ["automatic"]}}"#
        let program = { (name: String) in #"{"name": "\#(name)", "type": {"executable": null}}"# }
        let one = try package("{\n\"products\": [\(library), \(program("app"))]\n}")
        #expect(try one.product(named: nil) == "app")
        #expect(try one.product(named: "other") == "other")
        let two = try package(#"{"products": [\#(program("a")), \#(program("b"))]}"#)
        let error = #expect(throws: DevError.self) { try two.product(named: nil) }
        #expect(error?.description.contains("with --product: a, b.") == true)
        let none = try package(#"{"products": [\#(library)]}"#)
        #expect(throws: DevError.self) { try none.product(named: nil) }
        #expect(throws: DevError.self) { try package("no json").product(named: nil) }
        let build = try one.build("app")
        #expect(build.path == one.swift)
        #expect(build.arguments == [one.swift, "build", "--product", "app", "--build-path", "/out"])
    }

    @Test("Without swift, the error says what to do")
    func noSwift() {
        let package = DevPackage(swift: "no-such-program", folder: "/p", buildPath: nil, environment: ["PATH": "/bin"])
        let error = #expect(throws: DevError.self) { try package.product(named: nil) }
        #expect(error?.description.contains("--swift") == true)
    }
}
