import DashJSON
import Testing

@Suite("Swift values as JSON")
struct ConversionTests {
    /// Checks that writing `value` and writing its tree result in the same text, and that parsing restores the value.
    func check<Value: JSONConvertible & Equatable>(_ value: Value, _ text: String) throws {
        #expect(value.jsonText == text)
        #expect(value.json.text == text)
        #expect(try Value(json: JSON(parsing: text)) == value)
    }

    @Test("scalars survive a round trip")
    func scalars() throws {
        try check("a", #""a""#)
        try check("ab"[...].dropFirst(), #""b""#)
        try check(true, "true")
        try check(false, "false")
        try check(-5, "-5")
        try check(UInt8(255), "255")
        try check(2.5, "2.5")
        try check(Float(0.5), "0.5")
    }

    @Test("collections survive a round trip")
    func collections() throws {
        try check([1, 2, 3], "[1,2,3]")
        try check([[String]](), "[]")
        try check([Int?](arrayLiteral: 1, nil), "[1,null]")
        try check(Int?.none, "null")
        try check(Int?.some(4), "4")
        try check(["b": [1], "a": [], "c": [2, 3]], #"{"a":[],"b":[1],"c":[2,3]}"#)
        try check(["a": 1] as JSONObject, #"{"a":1}"#)
        #expect([1, 2, 3][1...].jsonText == "[2,3]")
        #expect([1, 2, 3][1...].json == [2, 3])
    }

    @Test("an integral number is decoded as an integer if it fits")
    func integers() throws {
        #expect(try Int(json: 3.0) == 3)
        #expect(try UInt64(json: .double(1e19)) == 10_000_000_000_000_000_000)
        #expect(throws: JSONError.self) { try Int(json: 3.5) }
        #expect(throws: JSONError.self) { try Int(json: .double(.infinity)) }
        #expect(throws: JSONError.self) { try UInt8(json: 256) }
        #expect(throws: JSONError.self) { try UInt(json: -1) }
    }

    @Test("a value of another type is rejected with a message")
    func mismatches() throws {
        #expect(throws: JSONError.self) { try String(json: 1) }
        #expect(throws: JSONError.self) { try Bool(json: 1) }
        #expect(throws: JSONError.self) { try Double(json: "1") }
        #expect(throws: JSONError.self) { try [Int](json: [1, "2"]) }
        #expect(throws: JSONError.self) { try [Int](json: nil) }
        #expect(throws: JSONError.self) { try [String: Int](json: []) }
        let error = try #require(throws: JSONError.self) { try UInt8(json: "long") }
        #expect(error.code == .mismatch)
        #expect(error.description == #"Expected an integer from 0 to 255, found "long"."#)
        let long = try #require(throws: JSONError.self) { try Int(json: .string(String(repeating: "x", count: 500))) }
        #expect(long.message.count < 150)
    }

    @Test("raw JSON is written verbatim and compared by its bytes")
    func raw() throws {
        let raw = RawJSON(unchecked: Array(#"{ "a": 1 }"#.utf8))
        #expect([raw, .null].jsonText == #"[{ "a": 1 },null]"#)
        #expect(raw.json == ["a": 1])
        #expect(RawJSON(["a": 1] as JSON).description == #"{"a":1}"#)
        #expect(RawJSON(json: [1]) == RawJSON([1]))
        #expect(RawJSON(unchecked: Array("nonsense".utf8)).json == .null)
    }
}
