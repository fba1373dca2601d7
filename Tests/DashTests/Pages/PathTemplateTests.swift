import Testing

@testable import Dash

@Suite("Paths of pages")
struct PathTemplateTests {
    private func match(_ template: String, _ path: String) -> [String: String]? {
        PathTemplate(template).match(PathTemplate.segments(of: path))
    }

    @Test("a path without variables matches itself, with or without a trailing slash")
    func exact() {
        #expect(match("/reports/2026", "/reports/2026") == [:])
        #expect(match("/reports/2026", "/reports/2026/") == [:])
        #expect(match("/", "") == [:])
        #expect(match("/reports", "/reports/2026") == nil)
        #expect(match("/reports", "/Reports") == nil)
    }

    @Test("a variable matches the percent-decoded text between two slashes")
    func variables() {
        #expect(match("/asset/<id>", "/asset/a-7") == ["id": "a-7"])
        #expect(match("/<a>/x/<b>", "/1/x/2") == ["a": "1", "b": "2"])
        #expect(match("/asset/<id>", "/asset/a%2Fb%20%C3%BC") == ["id": "a/b ü"])
        #expect(match("/asset/<id>", "/asset") == nil)
        #expect(match("/asset/<id>", "/asset/1/2") == nil)
    }

    @Test("variables and texts share a segment")
    func mixed() {
        #expect(match("/<year>-<month>.html", "/2026-11.html") == ["year": "2026", "month": "11"])
        #expect(match("/<a>-<b>", "/1-2-3") == ["a": "1-2", "b": "3"])
        #expect(match("/v<n>", "/vv1") == ["n": "v1"])
        #expect(match("/<a>.<b>x", "/1.2.3x") == ["a": "1.2", "b": "3"])
        #expect(match("/<a>--<b>", "/1----2") == ["a": "1--", "b": "2"])
        #expect(match("/<a>-<b>", "/-1") == nil)
        #expect(match("/<a>-<b>", "/1-") == nil)
        #expect(match("/v<n>", "/v") == nil)
        #expect(match("/v<n>", "/w1") == nil)
    }

    @Test("rejecting a long path takes linear time")
    func long() {
        let path = "/" + String(repeating: "-", count: 20_000) + "x"
        #expect(match("/<a>-<b>-<c>-<d>-<e>y", path) == nil)
        #expect(match("/<a>-<b>-<c>-<d>-<e>", path)?.count == 5)
    }

    @Test("the path of a template replaces each variable by a word")
    func standIn() {
        #expect(PathTemplate("/asset/<id>/<part>").path() == "/asset/none/none")
        #expect(PathTemplate("/asset/<id>").shape == PathTemplate("/asset/<other>").shape)
    }

    @Test("each kind of invalid path has its own error message", arguments: malformed)
    func problems(path: String, words: String) throws {
        #expect(try #require(PathTemplate(path).problem).contains(words))
    }

    private static let malformed = [
        ("reports", "begin with a slash"), ("/a//b", "two slashes"), ("/a?b=1", "reads the query"),
        ("/a#b", "reads the query"),
        ("/a/<b", "unmatched"), ("/a/b>", "unmatched"), ("/<>", "without a name"), ("/<a>/<a>", "the same name"),
        ("/<a><b>", "adjacent"), ("/assets/a", "never reached"), ("/_dash-layout", "never reached"),
    ]

    @Test("valid paths", arguments: ["/", "/a", "/a/<b>", "/a-<b>.<c>", "/ü ö"])
    func fine(path: String) {
        #expect(PathTemplate(path).problem == nil)
    }

    @Test("the query of an address keeps order, repeated names and empty values")
    func query() {
        let query = QueryParameters("?a=1&b=&a=2&c=%C3%BC+x&d&e=f=g")
        #expect(query.names == ["a", "b", "c", "d", "e"])
        #expect(query.values(of: "a") == ["1", "2"])
        #expect([query["a"], query["b"], query["c"], query["d"], query["e"]] == ["1", "", "ü x", "", "f=g"])
        #expect(query["z"] == nil)
        #expect(QueryParameters("").isEmpty && QueryParameters("?").isEmpty)
    }
}
