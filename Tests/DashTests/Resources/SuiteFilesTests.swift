import DashAGGrid
import DashJSON
import Foundation
import Testing

@testable import Dash

@Suite("Suite files")
struct SuiteFilesTests {
    private let folder: SuitesFolder
    private let files: SuiteFiles

    init() throws {
        folder = try SuitesFolder()
        files = try SuiteFiles(folder: folder.fillWithSuites([.agGrid]), suites: [.agGrid, .agGrid])
    }

    @Test("A page loads React, the third-party suites, then the renderer and Dash's own")
    func order() {
        let time = SuiteLock.pinned.fingerprintTime
        func url(_ path: String) -> String { "/app/_dash-component-suites/" + path }
        #expect(
            files.scripts(.dependencies, prefix: "/app/") == [
                url("dash/deps/polyfill@7.v4_4_1m\(time).12.1.min.js"),
                url("dash/deps/react@18.v4_4_1m\(time).3.1.min.js"),
                url("dash/deps/react-dom@18.v4_4_1m\(time).3.1.min.js"),
                url("dash/deps/prop-types@15.v4_4_1m\(time).8.1.min.js"),
            ]
        )
        #expect(files.scripts(.suite, prefix: "/app/") == [url("dash_ag_grid/dash_ag_grid.v35_3_0m\(time).min.js")])
        #expect(
            files.scripts(.core, prefix: "/app/") == [
                url("dash/dash-renderer/build/dash_renderer.v4_4_1m\(time).min.js"),
                url("dash/dcc/dash_core_components.v4_4_1m\(time).js"),
                url("dash/dcc/dash_core_components-shared.v4_4_1m\(time).js"),
                url("dash/html/dash_html_components.v4_4_1m\(time).min.js"),
                url("dash/dash_table/bundle.v7_4_1m\(time).js"),
            ]
        )
        #expect(files.styles(prefix: "/").isEmpty)
    }

    @Test("A development page loads development builds")
    func development() {
        let scripts = files.scripts(.dependencies, prefix: "/", development: true)
        #expect(scripts[1].hasSuffix(".3.1.js"))
        let core = files.scripts(.core, prefix: "/", development: true)
        #expect(core[0].hasSuffix(".dev.js"))
        #expect(core.contains { $0.contains("/dcc/proptypes.v") })
    }

    @Test("Every URL of a page is found and cached permanently")
    func found() throws {
        let urls = SuiteManifest.Place.all.flatMap { files.scripts($0, prefix: "/") }
        for url in urls {
            let parts = url.split(separator: "/", maxSplits: 2)
            let file = try #require(files.file(package: String(parts[1]), path: String(parts[2])))
            #expect(file.isFingerprinted)
            #expect(file.cacheControl == "public, max-age=31536000, immutable")
            #expect(file.contentType == "text/javascript; charset=utf-8")
        }
    }

    @Test("Files loaded by scripts have no fingerprint and are revalidated")
    func dynamic() throws {
        let file = try #require(files.file(package: "dash", path: "dcc/async-graph.js"))
        #expect(!file.isFingerprinted)
        #expect(file.cacheControl == "no-cache")
        #expect(file.path == folder.path + "/dash/dcc/async-graph.js")
        #expect(FileManager.default.contents(atPath: file.path) == Data("// dcc/async-graph.js".utf8))
        #expect(file.gzipPath == file.path + ".gz")
        let map = try #require(files.file(package: "dash", path: "dcc/async-graph.js.map"))
        #expect(map.contentType == "application/json")
        #expect(files.file(package: "plotly", path: "package_data/plotly.min.js") != nil)
        #expect(files.file(package: "dash", path: "deps/react%4018.3.1.min.js")?.isFingerprinted == false)
    }

    @Test("The entity tag depends on lock, size and compression")
    func tags() throws {
        let file = try #require(files.file(package: "dash", path: "dcc/async-graph.js"))
        #expect(file.etag == "\"\(SuiteLock.pinned.digest.prefix(16))-15\"")
        #expect(file.gzipETag == "\"\(SuiteLock.pinned.digest.prefix(16))-15-gzip\"")
    }

    @Test(
        "S9: unregistered paths are not found in any spelling",
        arguments: [
            "../secret", "%2e%2e/secret", "%2e%2e%2fsecret", "..%5csecret", "..\\secret", "dcc/../../secret",
            "dcc/%252e%252e/secret", "/etc/passwd", "//etc/passwd", "dcc/async-graph.js%00", "dcc/async-graph.js\0.css",
            "dcc//async-graph.js", "./dcc/async-graph.js", "dcc/async-graph.js/", "DCC/async-graph.js", "%zz", "",
            "dcc/metadata.json", "dcc/async-graph.js.gz", "suites.stamp", "dcc/async-graph.v1m1.js.map.map",
            "dcc/link.js",
        ]
    )
    func traversal(path: String) throws {
        try folder.write("secret", to: "secret")
        try folder.write("{}", to: "dash/dcc/metadata.json")
        #expect(files.file(package: "dash", path: path) == nil)
        #expect(files.file(package: "..", path: path) == nil)
        #expect(files.file(package: "%2e%2e", path: path) == nil)
        #expect(files.file(package: "dash/dcc/..", path: path) == nil)
    }

    @Test("A very long path is not found")
    func long() {
        #expect(files.file(package: "dash", path: String(repeating: "a.", count: 50_000)) == nil)
    }

    @Test("A folder that lacks a script is rejected with the script's name")
    func lacking() throws {
        let folder = try SuitesFolder()
        try folder.write(SuiteStamp(of: .pinned).text, to: SuiteStamp.fileName)
        let empty = try SuiteFolder.locate(search: folder.search(["DASH_SUITES": folder.path]))
        let error = #expect(throws: SuiteError.self) { try SuiteFiles(folder: empty) }
        #expect(error?.code == .wrongFolder)
        #expect(error?.message.contains("polyfill@7.12.1.min.js") == true)
    }

    @Test("children_props equals that of stock Dash, in the same order")
    func childrenProps() throws {
        let core = try SuiteFiles(folder: folder.fillWithSuites())
        #expect(core.childrenProps.text == stockChildrenProps)
        #expect(files.childrenProps["dash_ag_grid"] == ["AgGrid": []])
    }
}

extension SuiteManifest.Place {
    fileprivate static let all: [SuiteManifest.Place] = [.dependencies, .suite, .core]
}
