import Dash
import DashJSON
import Foundation
import Testing

@testable import DashCLI

@Suite("A third-party suite")
struct SuitePackageTests {
    private static let wheel = SuiteWheel(name: "my-lib", version: "1.2", sha256: String(repeating: "a", count: 64))
    private static let metadata = Array(#"{"src/Gauge.tsx": {"props": {"icon": {"type": {"name": "node"}}}}}"#.utf8)

    @Test("Scripts, chunks, maps and styles are assigned to the manifest")
    func resources() throws {
        let description: JSON = [
            "name": "my_lib", "version": "1.2", "package": "my_lib", "namespace": "my_lib",
            "js": [
                ["relative_package_path": "my_lib.min.js", "dev_package_path": "my_lib.js", "namespace": "my_lib"],
                ["relative_package_path": "async-a.js", "async": true],
                ["relative_package_path": "async-b.js", "async": "lazy"],
                ["relative_package_path": "my_lib.min.js.map", "dynamic": true],
                ["relative_package_path": ["x.js", "y.js"]],
                ["external_url": "https://example.org/z.js"],
            ],
            "css": [["relative_package_path": "my_lib.css"], ["relative_package_path": "late.css", "dynamic": true]],
        ]
        let suite = try SuitePackage(description: description, metadata: Self.metadata, wheel: Self.wheel)
        let manifest = suite.manifest
        #expect(
            manifest.scripts == [.init("my_lib.min.js", development: "my_lib.js"), .init("x.js"), .init("y.js")]
        )
        #expect(manifest.dynamicFiles == ["async-a.js", "async-b.js", "my_lib.min.js.map", "late.css"])
        #expect(manifest.styles == ["my_lib.css"])
        #expect(manifest.childrenProps.entries.map(\.paths) == [["icon"]])
        #expect(manifest.wheel == Self.wheel)
    }

    @Test("A package without scripts is not a suite")
    func noSuite() {
        let error = #expect(throws: SuiteError.self) {
            try SuitePackage(description: ["name": "x"], metadata: Self.metadata, wheel: Self.wheel)
        }
        #expect(error?.code == .notASuite)
    }

    @Test("The files are a manifest, components and a valid lock")
    func files() throws {
        let description: JSON = ["name": "my_lib", "js": [["relative_package_path": "my_lib.min.js"]]]
        let suite = try SuitePackage(description: description, metadata: Self.metadata, wheel: Self.wheel)
        let files = SuiteGenerator(suite: suite, module: "MyLib", command: "make it").files()
        #expect(files.map(\.path) == ["MyLibComponents.swift", "SuiteManifest+MyLib.swift", "suites.lock"])
        #expect(files[1].text.contains("public static let myLib = SuiteManifest("))
        #expect(files[1].text.contains("DashApp(suites: [.myLib])"))
        #expect(try SuiteLock(parsing: files[2].text).wheels == [Self.wheel])
    }

    @Test("A package is described by importing it in Python")
    func importing() throws {
        let folder = NSTemporaryDirectory() + "dash-swift-cli-tests-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.writePackage(in: folder + "/site")
        let download = SuiteDownload(requirement: "my-lib", python: "python3", folder: folder)
        let suite = try download.describe(Self.wheel)
        #expect(suite.manifest.name == "my_lib")
        #expect(suite.manifest.namespace == "my_namespace")
        #expect(suite.manifest.version == "9")
        #expect(suite.manifest.scripts == [.init("my_lib.min.js")])
        let stranger = SuiteWheel(name: "other", version: "1", sha256: Self.wheel.sha256)
        #expect(throws: SuiteError.self) { try download.describe(stranger) }
    }

    private static func writePackage(in site: String) throws {
        let files = [
            "my_lib/__init__.py": """
            __version__ = "9"
            class Gauge: _namespace = "my_namespace"
            __all__ = ["Gauge"]
            _js_dist = [{"relative_package_path": "my_lib.min.js", "namespace": "my_lib"}]
            """,
            "my_lib/metadata.json": String(decoding: metadata, as: UTF8.self),
            "my_lib-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: my-lib\nVersion: 1.2\n",
            "my_lib-1.2.dist-info/RECORD": "my_lib/__init__.py,,\n",
        ]
        for (name, text) in files {
            let url = URL(fileURLWithPath: site).appendingPathComponent(name)
            let parent = url.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }
}
