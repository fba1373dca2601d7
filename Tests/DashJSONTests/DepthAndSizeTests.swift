import DashJSON
import Testing

@Suite("deep and large values")
struct DepthAndSizeTests {
    func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    @Test("512 levels are parsed by default, one more is rejected")
    func limitsDepth() throws {
        #expect(try JSON(parsing: nested(512)).text == nested(512))
        let error = try #require(throws: JSONError.self) { try JSON(parsing: nested(513)) }
        #expect(error.code == .tooDeep)
        #expect(error.byteOffset == 512)
    }

    @Test("the limit includes objects and is configurable")
    func limitIsChosen() throws {
        let text = #"{"a":[{"b":1}],"c":[[1]]}"#
        #expect(try JSON(parsing: text, maximumDepth: 3)["c"] == [[1]])
        #expect(throws: JSONError.self) { try JSON(parsing: text, maximumDepth: 2) }
        #expect(try JSON(parsing: "1", maximumDepth: 0) == 1)
    }

    @Test("a text of only opening brackets is rejected without a crash")
    func refusesBombs() {
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: #"{"a":"#, count: 1_000_000)) }
    }

    // Quadratic time would take hours here.
    @Test("an object of 300,000 members is built, parsed and compared in linear time", .timeLimit(.minutes(2)))
    func largeObjectsAreLinear() throws {
        var object = JSONObject()
        for number in 0..<300_000 { object["member \(number)"] = .int(number) }
        object["member 7"] = "changed"
        #expect(object.count == 300_000)
        let back = try JSONObject(json: JSON(parsing: object.jsonBytes()))
        #expect(back == object)
        #expect(back["member 299999"] == 299_999)
        let backwards = JSONObject(object.reversed())
        #expect(backwards == object)
        #expect(backwards.json.canonical() == object.json.canonical())
    }
}
