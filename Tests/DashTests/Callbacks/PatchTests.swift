import DashJSON
import Testing

@testable import Dash

@Suite("Patch")
struct PatchTests {
    private let value: JSON = ["list": [1, 2, 3, 2], "dict": ["a": 1, "b": ["c": [0, 1]]], "n": 10]

    private func result(_ change: (inout Patch) -> Void) -> JSON {
        var patch = Patch()
        change(&patch)
        return patch.applied(to: value)
    }

    @Test("lists: every operation has the same effect as in the browser")
    func lists() {
        #expect(result { $0["list"].append(4) }["list"] == [1, 2, 3, 2, 4])
        #expect(result { $0["list"].prepend(0) }["list"] == [0, 1, 2, 3, 2])
        #expect(result { $0["list"].insert("x", at: 1) }["list"] == [1, "x", 2, 3, 2])
        #expect(result { $0["list"].insert("x", at: -1) }["list"] == [1, 2, 3, "x", 2])
        #expect(result { $0["list"].extend([4, 5]) }["list"] == [1, 2, 3, 2, 4, 5])
        #expect(result { $0["list"] += [7] }["list"] == [1, 2, 3, 2, 7])
        #expect(result { $0["list"].remove(2) }["list"] == [1, 3])
        #expect(result { $0["list"].clear() }["list"] == [])
        #expect(result { $0["list"].reverse() }["list"] == [2, 3, 2, 1])
        #expect(result { $0["list"][-1] = 99 }["list"] == [1, 2, 3, 99])
        #expect(result { $0["list"][0].delete() }["list"] == [2, 3, 2])
    }

    @Test("members and numbers: every operation has the same effect as in the browser")
    func members() {
        #expect(result { $0["n"] = 11 }["n"] == 11)
        #expect(result { $0.n.assign("text") }["n"] == "text")
        #expect(result { $0.dict.b.c[1] = "deep" }["dict"]["b"]["c"] == [0, "deep"])
        #expect(result { $0.dict.a.delete() }["dict"] == ["b": ["c": [0, 1]]])
        #expect(result { $0.dict.merge(["a": 2, "z": 26]) }["dict"] == ["a": 2, "b": ["c": [0, 1]], "z": 26])
        #expect(result { $0.dict.clear() }["dict"] == [:])
        #expect(result { $0["n"] += 1 }["n"] == 11)
        #expect(result { $0["n"] -= 1.5 }["n"] == 8.5)
        #expect(result { $0["n"] *= 2 }["n"] == 20)
        #expect(result { $0["n"] /= 4 }["n"] == 2.5)
        #expect(result { $0["new"]["deep"] = 1 } == value)
    }

    @Test("a patch is encoded for the browser, and decoded")
    func coding() throws {
        var patch = Patch()
        patch["n"] += 2
        patch.list.insert(html.B("x"), at: -1)
        let text = """
            {"__dash_patch_update":"__dash_patch_update","operations":[{"operation":"Add","location":["n"],"params":\
            {"value":2}},{"operation":"Insert","location":["list"],"params":{"value":{"props":{"children":"x"},\
            "type":"B","namespace":"dash_html_components"},"index":-1}}]}
            """
        #expect(patch.jsonText == text)
        #expect(try Patch(json: patch.json) == patch)
        #expect(throws: DashError.self) { try Patch(json: ["operations": []]) }
        #expect(Patch().json["operations"] == [])
    }

    @Test("an output accepts a patch always, or optionally")
    func outputs() async throws {
        let app = DashApp()
        app.callback(Output(chart.figure).patched, Input(run.nClicks)) { n in
            var patch = Patch()
            patch.layout.title.text = "Run \(n ?? 0)"
            return patch
        }
        let answer = try await app.reply(try click(2, output: "progress_bar_graph.figure"))
        let operation = answer["response"]["progress_bar_graph"]["figure"]["operations"][0]
        #expect(operation["location"] == ["layout", "title", "text"])
        #expect(operation["params"] == ["value": "Run 2"])
        let other = DashApp()
        other.callback(Output(paragraph.title).skippable, Input(run.nClicks)) { n in
            n == 1 ? .patch(Patch()) : .set("whole")
        }
        let title = { (n: JSON) in
            try await other.reply(try click(n, output: "paragraph_id.title"))["response"]["paragraph_id"]["title"]
        }
        #expect(try await title(1)["operations"] == [])
        #expect(try await title(2) == "whole")
    }

    @Test("patches of one property accumulate, and apply to a value set before")
    func merging() async throws {
        let app = DashApp()
        app.callback(NoOutput(), Input(run.nClicks)) { _ in
            var patch = Patch()
            patch["n"] += 1
            setProps("only", ["data": patch])
            setProps("only", ["data": patch])
            setProps("both", ["data": ["n": 4] as JSON])
            setProps("both", ["data": patch])
            setProps("new", ["data": patch])
            setProps("new", ["data": 5])
        }
        var body = try click()
        body["output"] = .string(try app.onlyCallback.id)
        body["outputs"] = .null
        let side = try await app.reply(body)["sideUpdate"]
        #expect(side["only"]["data"]["operations"].arrayValue?.count == 2)
        #expect(side["both"]["data"] == ["n": 5])
        #expect(side["new"]["data"] == 5)
    }
}
