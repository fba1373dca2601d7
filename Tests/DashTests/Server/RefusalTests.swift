import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Rejected requests, never with 400, 401, a redirect or a success")
struct RefusalTests {
    private let body = call("out.children", ["v.value": "x"])

    private func site(_ set: (inout SiteConfiguration) -> Void = { _ in }) throws -> TestSite {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (v: String) in v }
        return try TestSite(app) { set(&$0.site) }
    }

    @Test("S8: requests sent through another site's page, by origin or as a form")
    func foreignSites() async throws {
        try await site().serve { visit in
            let page = try await visit.open()
            let refused: [(HTTPFields, Int)] = [
                ([.secFetchSite: "cross-site"], 403), ([.secFetchSite: "same-site"], 403),
                ([.secFetchSite: "", .origin: "https://evil.example"], 403),
                ([.secFetchSite: "", .origin: "null"], 403),
                ([.secFetchSite: "", .origin: "http://localhost.evil.example"], 403),
                ([.contentType: "text/plain"], 415), ([.contentType: "application/x-www-form-urlencoded"], 415),
                ([.contentType: "multipart/form-data; boundary=x"], 415), ([.contentType: ""], 415),
            ]
            for (headers, status) in refused {
                #expect(try await page.post(body, headers: headers).status == status)
            }
            let accepted: [HTTPFields] = [
                [:], [.secFetchSite: "", .origin: "http://localhost"], [.secFetchSite: ""],
                [.contentType: "application/json; charset=utf-8"], [.contentType: "Application/JSON"],
            ]
            for headers in accepted { #expect(try await page.post(body, headers: headers).status == 200) }
        }
    }

    @Test("S8: allowed origins, and the host forwarded by a trusted proxy")
    func allowedOrigins() async throws {
        let friend: HTTPFields = [.secFetchSite: "cross-site", .origin: "https://friend.example"]
        let proxied: HTTPFields = [
            .secFetchSite: "", .origin: "https://public.example", .forwardedHost: "public.example",
        ]
        let open = try site {
            $0.allowedOrigins = ["https://friend.example"]
            $0.trustsForwardedHeaders = true
        }
        try await open.serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(body, headers: friend).status == 200)
            #expect(try await page.post(body, headers: proxied).status == 200)
        }
        try await site().serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(body, headers: friend).status == 403)
            #expect(try await page.post(body, headers: proxied).status == 403)
        }
    }

    @Test("S14: a body that is too large, too deep or has too many ids")
    func tooMuch() async throws {
        let strict = try site {
            $0.largestBody = 2000
            $0.deepestJSON = 20
            $0.largestInputCount = 10
        }
        try await strict.serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(call("out.children", ["v.value": "small enough"])).status == 200)
            let large = call("out.children", ["v.value": .string(String(repeating: "x", count: 2000))])
            #expect(try await page.post(large).status == 413)
            let deep = String(repeating: "[", count: 25) + String(repeating: "]", count: 25)
            #expect(try await page.post(bytes: Array(deep.utf8)).status == 422)
            #expect(try await page.post(bytes: Array(repeating: UInt8(ascii: "["), count: 1999)).status == 422)
            for key in ["inputs", "state", "changedPropIds", "outputs"] {
                for list in [JSON.array(Array(repeating: 1, count: 11)), [.array(Array(repeating: 1, count: 11))]] {
                    var many = body
                    many[key] = list
                    #expect(try await page.post(many).status == 413)
                }
            }
        }
    }

    @Test("Invalid JSON or UTF-8", arguments: ["", "{", "null x", "{'a': 1}", "NaN", "\u{FEFF}{}", "{\"a\":}"])
    func noJSON(text: String) async throws {
        try await site().serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(bytes: Array(text.utf8)).status == 422)
            #expect(try await page.post(bytes: [0x22, 0xFF, 0x22]).status == 422)
        }
    }

    @Test(
        "Unknown callbacks",
        arguments: [
            "null", "[]", "{}", "1", #"{"output": 1}"#, #"{"output": "missing.children"}"#, #"{"output": "out"}"#,
        ]
    )
    func noCallback(text: String) async throws {
        try await site().serve { visit in
            let answer = try await visit.open().post(bytes: Array(text.utf8))
            #expect(answer.status == 500)
            #expect(answer.text.hasPrefix("This app has no callback for the output "))
        }
    }

    @Test("Ids, properties or counts that do not match the callback")
    func unfitting() async throws {
        try await site().serve { visit in
            let page = try await visit.open()
            var bodies = [
                call("out.children", ["w.value": "x"]), call("out.children", ["v.children": "x"]),
                call("out.children", [:]), call("out.children", ["v.value": "x", "v.value": "y"]),
                call("out.children", ["v.value": "x"], state: ["v.value": "x"]),
            ]
            let parts: [(String, JSON)] = [
                ("outputs", ["id": "other", "property": "children"]), ("outputs", ["id": "out", "property": "style"]),
                ("outputs", []), ("outputs", .null), ("outputs", "out.children"), ("inputs", .null), ("inputs", ["x"]),
                ("inputs", [["id": ["a": []], "property": "value"]]), ("inputs", [[["id": "v", "property": "value"]]]),
            ]
            for (key, value) in parts {
                var changed = body
                changed[key] = value
                bodies.append(changed)
            }
            for body in bodies {
                let answer = try await page.post(body)
                #expect(answer.status == 500)
                #expect(answer.text.hasPrefix("The server could not complete this request. Error "))
            }
            // Missing and malformed lists of changes are accepted, as in stock Dash.
            for changed in [JSON.null, [], ["", 1, "missing.value", "v"], "v.value"] {
                var odd = body
                odd["changedPropIds"] = changed
                #expect(try await page.post(odd).status == 200)
            }
        }
    }
}
