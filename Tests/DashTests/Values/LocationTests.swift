import DashJSON
import Testing

@testable import Dash

@Suite("Page location")
struct LocationTests {
    @Test(
        "Queries are parsed",
        arguments: [
            ("?q=pen&page=2", [("q", "pen"), ("page", "2")]), ("", []), ("?", []), ("q=1", [("q", "1")]),
            ("?a=1&a=2&&b", [("a", "1"), ("a", "2"), ("b", "")]), ("?x=a+b%20c%C3%BC%2B", [("x", "a b cü+")]),
            ("?x=1=2&=3", [("x", "1=2"), ("", "3")]), ("?x=100%&y=%zz%4", [("x", "100%"), ("y", "%zz%4")]),
            ("?x=%+1", [("x", "% 1")]),
        ] as [(String, [(String, String)])]
    )
    func queries(text: String, pairs: [(String, String)]) {
        let query = QueryParameters(text)
        #expect(query.pairs == pairs.map { QueryParameters.Pair($0, $1) })
        #expect(QueryParameters(query.text) == query)
    }

    @Test("The first value, all values and a missing value of a name")
    func values() {
        let query = QueryParameters("?a=1&b=&a=2")
        #expect(query["a"] == "1" && query["b"] == "" && query["c"] == nil)
        #expect(query.values(of: "a") == ["1", "2"] && query.values(of: "c").isEmpty)
    }

    @Test("Every character of a query round-trips")
    func writing() {
        var query = QueryParameters("")
        #expect(query.text.isEmpty)
        query.pairs = [QueryParameters.Pair("ü &", "a=b+c\n"), QueryParameters.Pair("x", "")]
        #expect(query.text == "?%C3%BC%20%26=a%3Db%2Bc%0A&x=")
        #expect(QueryParameters(query.text) == query)
    }

    @Test("A callback receives all parts of the address, and each part triggers it")
    func callback() async throws {
        let url = dcc.Location.id("url"), app = DashApp()
        app.callback(Output(paragraph.children), Input(location: url)) { address in
            "\(address.pathname ?? "") \(address.query["q"] ?? "") \(address.hash ?? "") \(address.href ?? "")"
        }
        let slots = try app.onlyCallback.slots
        #expect(slots.allSatisfy { !$0.isState })
        let values = [
            ("pathname", "/shop"), ("search", "?q=pen"), ("hash", "#top"), ("href", "http://h/shop?q=pen#top"),
        ]
        let body: JSON = [
            "output": "paragraph_id.children",
            "outputs": ["id": "paragraph_id", "property": "children"],
            "inputs": .array(values.map { ["id": "url", "property": .string($0), "value": .string($1)] }),
            "changedPropIds": [],
        ]
        let answer = try await app.reply(body)
        #expect(answer["response"]["paragraph_id"]["children"] == "/shop pen #top http://h/shop?q=pen#top")
        let read = State(location: url).slots
        #expect(read.allSatisfy { $0.isState })
    }

    @Test("refresh accepts a Bool or “callback-nav”")
    func refresh() {
        #expect(dcc.Location(refresh: "callback-nav").json["props"]["refresh"] == "callback-nav")
        #expect(dcc.Location(refresh: false).json["props"]["refresh"] == false)
    }
}
