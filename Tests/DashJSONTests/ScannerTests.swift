import DashJSON
import Testing

@Suite("The scanner")
struct ScannerTests {
    @Test("rejects the same texts as the parser, at the same position", arguments: RejectedTextTests.faults)
    func refuses(text: String, code: JSONError.Code, place: Int) throws {
        let error = try #require(throws: JSONError.self) { try skipped(Array(text.utf8)) }
        #expect(error.code == code)
        #expect(error.byteOffset == place)
    }

    @Test("rejects invalid UTF-8", arguments: RejectedTextTests.invalidUTF8)
    func refusesInvalidUTF8(bytes: [UInt8], place: Int) throws {
        let error = try #require(throws: JSONError.self) { try skipped(bytes) }
        #expect(error.code == .invalidUTF8)
        #expect(error.byteOffset == place)
    }

    @Test("skips values that the parser accepts, and rejects their prefixes")
    func skips() throws {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<500 {
            let text = JSON.array([generator.json(depth: 4)]).serialized()
            #expect(try skipped(text) == 0..<text.count)
            #expect(try skipped(Array(" \n\t\r".utf8) + text + [0x20]) == 4..<(4 + text.count))
            let length = Int.random(in: 0..<text.count, using: &generator)
            #expect(throws: JSONError.self) { try skipped(Array(text[..<length])) }
        }
    }

    @Test("accepts white space wherever JSON allows it")
    func spaces() throws {
        let text = #" { "a" : [ 1 , { } , [ ] ] , "b" : { "c" : null } } "#
        #expect(try skipped(Array(text.utf8)) == 1..<(text.utf8.count - 1))
    }

    @Test("scans up to the depth limit, without recursion")
    func depth() throws {
        let most = JSONScanner.maximumDepth
        #expect(try skipped(nested(most)) == 0..<(2 * most))
        #expect(try #require(throws: JSONError.self) { try skipped(nested(most + 1)) }.code == .tooDeep)
    }

    @Test(
        "returns elements",
        arguments: [
            ("[]", []), (" [ ] ", []), ("[1]", ["1"]),
            (#"[ 1.50 , "a,\"]" ,[[],{"b":"]"}], null]"#, ["1.50", #""a,\"]""#, #"[[],{"b":"]"}]"#, "null"]),
            ("{}", nil), ("1", nil), (#" "[]" "#, nil),
        ] as [(String, [String]?)]
    )
    func elements(of text: String, _ expected: [String]?) throws {
        let elements = try JSONScanner.elements(of: padded(text))
        #expect(elements?.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test(
        "returns members with unescaped names",
        arguments: [
            ("{}", []), (#"{"a":1}"#, ["a", "1"]),
            (#" { "a\u0062" : {"c":[ ]} , "" : "}" , "a\u0062":2 } "#, ["ab", #"{"c":[ ]}"#, "", #""}""#, "ab", "2"]),
            ("[]", nil), ("null", nil),
        ] as [(String, [String]?)]
    )
    func members(of text: String, _ expected: [String]?) throws {
        let members = try JSONScanner.members(of: padded(text))
        #expect(members?.flatMap { [$0.name, String(decoding: $0.value, as: UTF8.self)] } == expected)
    }

    @Test("of members with one name the last wins, as in the parser")
    func lastMember() throws {
        let members = try JSONScanner.membersByName(of: Array(#"{"a":1,"b":2,"a":3}"#.utf8)[...])
        #expect(members?.mapValues { String(decoding: $0, as: UTF8.self) } == ["a": "3", "b": "2"])
    }

    @Test(
        "returns the prefix of a string, plus one character if there are more",
        arguments: [
            ("abc", 5, "abc"), ("abc", 1, "ab"), (#"\n\"c"#, 0, "\n"), ("äöü", 1, "äö"), (#"\ud83d\udc0eab"#, 1, "🐎a"),
            ("🐎🐎🐎", 1, "🐎🐎"), (#"\ud83dx"#, 3, "\u{FFFD}x"), ("", 3, ""),
        ]
    )
    func prefixes(of inner: String, characters: Int, _ expected: String) throws {
        let prefix = try JSONScanner.read(padded("\"\(inner)\"")) { scanner throws(JSONError) in
            let place = try scanner.value()
            return try scanner.prefix(ofStringAt: place, characters: characters)
        }
        #expect(prefix == expected)
    }

    private func skipped(_ text: [UInt8]) throws -> Range<Int> {
        try JSONScanner.read(text[...]) { scanner throws(JSONError) in try scanner.value() }
    }

    /// The text as a slice whose indices do not start at 0.
    private func padded(_ text: String) -> ArraySlice<UInt8> {
        Array("xx\(text)x".utf8)[2...].dropLast()
    }

    private func nested(_ depth: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
    }
}
