import Foundation
import HTTPTypes
import Testing

@testable import Dash

@Suite("Suite files over HTTP")
struct SuiteRouteTests {
    private let site: TestSite
    private let plain = "/_dash-component-suites/dash/dcc/async-graph.js"

    init() throws {
        let app = DashApp()
        app.layout = html.Div()
        site = try TestSite(app) { $0.ownSuites = true }
    }

    @Test("A fingerprinted name is cached permanently, others are revalidated with their tag")
    func caching() async throws {
        try await site.serve { visit in
            let page = try await visit.ask(.get, "/").text
            let marked = try #require(page.firstMatch(of: /src="([^"]*dash_renderer\.v[^"]*)"/)?.1)
            let kept = try await visit.ask(.get, String(marked))
            #expect(kept.status == 200)
            #expect(kept.headers[.contentType] == "text/javascript; charset=utf-8")
            #expect(kept.headers[.cacheControl] == "public, max-age=31536000, immutable")

            let first = try await visit.ask(.get, plain)
            #expect(first.status == 200)
            #expect(first.text == "// dcc/async-graph.js")
            #expect(first.headers[.cacheControl] == "no-cache")
            let tag = try #require(first.headers[.eTag])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            for header in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await visit.ask(.get, plain, headers: [.ifNoneMatch: header])
                #expect(again.status == 304)
                #expect(again.bytes.isEmpty)
                #expect(again.headers[.eTag] == tag)
            }
            #expect(try await visit.ask(.get, plain, headers: [.ifNoneMatch: "\"other\""]).status == 200)
        }
    }

    @Test("Clients that accept gzip get the compressed copy, with its own tag")
    func compression() async throws {
        try await site.serve { visit in
            let plainTag = try await visit.ask(.get, plain).headers[.eTag]
            for header in ["gzip", "br, gzip;q=0.5", "*"] {
                let answer = try await visit.ask(.get, plain, headers: [.acceptEncoding: header])
                #expect(answer.headers[.contentEncoding] == "gzip")
                #expect(answer.headers[.vary] == "Accept-Encoding")
                #expect(answer.headers[.contentType] == "text/javascript; charset=utf-8")
                #expect(answer.text == "gz")
                #expect(answer.headers[.eTag] != plainTag)
            }
            for header in ["br", "gzip;q=0", "identity", "gzip;q=0.0, br"] {
                let answer = try await visit.ask(.get, plain, headers: [.acceptEncoding: header])
                #expect(answer.headers[.contentEncoding] == nil)
                #expect(answer.headers[.vary] == "Accept-Encoding")
                #expect(answer.text == "// dcc/async-graph.js")
            }
        }
    }

    @Test("HEAD returns the headers of GET, without a body")
    func head() async throws {
        try await site.serve { visit in
            let get = try await visit.ask(.get, plain)
            let head = try await visit.ask(.head, plain)
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
            for name in [HTTPField.Name.contentType, .eTag, .cacheControl] {
                #expect(head.headers[name] == get.headers[name])
            }
        }
    }

    @Test(
        "S9: unregistered paths are not found in any spelling",
        arguments: [
            "dash/no-such-file.js", "no_such_package/x.js", "dash/", "dash", "", "dash/../secret.js",
            "dash/%2e%2e/secret.js", "dash/%2e%2e%2fsecret.js", "dash/..%5csecret.js", "dash/%252e%252e/secret.js",
            "../../etc/passwd", "%2e%2e/secret.js", "dash//etc/passwd", "dash/dcc/async-graph.js%00",
            "dash/dcc/async-graph.js.gz", "dash/%zz", "dash/dcc/async-graph.js/", "suites.stamp",
        ]
    )
    func traversal(path: String) async throws {
        try Data("secret".utf8).write(to: URL(fileURLWithPath: site.suites + "/secret.js"))
        try await site.serve { visit in
            let answer = try await visit.ask(.get, "/_dash-component-suites/" + path)
            #expect(answer.status == 404)
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test("A file deleted since the start is not found")
    func deleted() async throws {
        try FileManager.default.removeItem(atPath: site.suites + "/dash/dcc/async-graph.js")
        try await site.serve { visit in
            let answer = try await visit.ask(.get, plain)
            #expect(answer.status == 404)
        }
    }
}

@Suite("Assets over HTTP")
struct AssetRouteTests {
    private let folder: SuitesFolder
    private let site: TestSite

    init() throws {
        folder = try SuitesFolder()
        for name in ["b.css", "a.css", "10.js", "z.mjs", "sub/c.js", "sub/a.css", "note.txt", "über maß#1.css"] {
            try folder.write("/* \(name) */", to: "assets/" + name)
        }
        try folder.write("icon", to: "assets/favicon.ico")
        try folder.write("secret", to: "secret.txt")
        let links = ["link.css": "secret.txt", "sub/link.js": "secret.txt", "out": ""]
        for (name, target) in links {
            let place = "\(folder.path)/assets/\(name)"
            let to = folder.path + "/" + target
            try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: to)
        }
        let app = DashApp(assetsFolder: folder.path + "/assets")
        app.layout = html.Div()
        site = try TestSite(app, at: "/x/")
    }

    @Test("The page loads assets in Dash's order: the root first, the files of each folder by name")
    func order() async throws {
        try await site.serve { visit in
            let page = try await visit.ask(.get, "/x/").text
            let urls = page.matches(of: /"\/x\/assets\/([^"]*)\?m=[0-9.]+"( type="module")?/)
            #expect(
                urls.map { String($0.1) } == [
                    "favicon.ico", "a.css", "b.css", "%C3%BCber%20ma%C3%9F%231.css", "sub/a.css", "10.js", "z.mjs",
                    "sub/c.js",
                ]
            )
            #expect(urls.filter { $0.2 != nil }.map { String($0.1) } == ["z.mjs"])
            let assets = try #require(page.firstRange(of: "assets/sub/c.js"))
            #expect(assets.lowerBound < (page.firstRange(of: "dash_renderer.v")?.lowerBound ?? page.startIndex))
        }
    }

    @Test("Assets are served with their type, and revalidated with their tag")
    func files() async throws {
        try await site.serve { visit in
            let types = [
                "a.css": "text/css; charset=utf-8", "sub/c.js": "text/javascript; charset=utf-8",
                "z.mjs": "text/javascript; charset=utf-8", "note.txt": "text/plain; charset=utf-8",
                "favicon.ico": "image/x-icon", "%C3%BCber%20ma%C3%9F%231.css": "text/css; charset=utf-8",
            ]
            for (name, type) in types {
                let answer = try await visit.ask(.get, "/x/assets/\(name)?m=1")
                #expect(answer.status == 200)
                #expect(answer.headers[.contentType] == type)
                #expect(answer.headers[.cacheControl] == "no-cache")
                let tag = try #require(answer.headers[.eTag])
                let again = try await visit.ask(.get, "/x/assets/\(name)", headers: [.ifNoneMatch: tag])
                #expect(again.status == 304)
            }
        }
    }

    @Test("A file changed while the server runs has a new tag")
    func changed() async throws {
        try await site.serve { visit in
            let tag = try #require(try await visit.ask(.get, "/x/assets/a.css").headers[.eTag])
            try folder.write("/* longer than before */", to: "assets/a.css")
            let answer = try await visit.ask(.get, "/x/assets/a.css", headers: [.ifNoneMatch: tag])
            #expect(answer.status == 200)
            #expect(answer.text == "/* longer than before */")
        }
    }

    @Test(
        "S9: nothing outside the folder is found, also through links",
        arguments: [
            "../secret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%5csecret.txt", "sub/../../secret.txt",
            "%252e%252e/secret.txt", "link.css", "sub/link.js", "out/secret.txt", "/etc/passwd", "//etc/passwd", "",
            "sub", "sub/", "a.css%00", "a.css/", "A.CSS", "%zz",
        ]
    )
    func traversal(path: String) async throws {
        try await site.serve { visit in
            let answer = try await visit.ask(.get, "/x/assets/" + path)
            #expect(answer.status == 404)
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test("A file replaced by a link is not found")
    func replaced() async throws {
        let place = folder.path + "/assets/note.txt"
        try FileManager.default.removeItem(atPath: place)
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: folder.path + "/secret.txt")
        try await site.serve { visit in
            let answer = try await visit.ask(.get, "/x/assets/note.txt")
            #expect(answer.status == 404)
        }
    }
}
