import DashJSON
import Testing

@Suite("valid JSON texts")
struct AcceptedTextTests {
    static let values: [(text: String, value: JSON)] = [
        ("null", nil), ("true", true), ("false", false),
        ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("123456789012345678", 123_456_789_012_345_678),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .double(9.223372036854775808e18)),
        ("123456789012345678901234567890", .double(1.2345678901234568e29)),
        ("0.5", 0.5), ("-0.25", -0.25), ("1.0", 1.0), ("1e2", 100.0), ("1E+2", 100.0), ("25e-1", 2.5), ("0e1", 0.0),
        ("0.1e1", 1.0), ("20e1", 200.0), ("1e-400", 0.0),
        (#""""#, ""), (#""a b""#, "a b"), (#""é漢🙂""#, "é漢🙂"), ("\"\u{7F}\"", "\u{7F}"), ("\"\u{FEFF}\"", "\u{FEFF}"),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u00E9\u6f22""#, "Aéé漢"), (#""\u0000""#, "\0"), (#""\uD83D\uDE42""#, "🙂"),
        ("[]", []), ("{}", [:]), ("[[]]", [[]]), ("[1,2]", [1, 2]), ("[null, \"x\"]", [nil, "x"]),
        (#"{"":0}"#, ["": 0]), (#"{"a":{"b":[{}]}}"#, ["a": ["b": [[:]]]]),
        (" \t\r\n[ 1 , { \"a\" : 2 } ] \n", [1, ["a": 2]]),
    ]

    @Test("a valid text is parsed", arguments: values)
    func gives(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test("bytes and borrowed memory are parsed like text")
    func readsBytesAndMemory() throws {
        let text = #"{"a":[1,"é"]}"#
        let bytes = Array(text.utf8)
        let value = try JSON(parsing: text)
        #expect(try JSON(parsing: bytes) == value)
        #expect(try bytes.withUnsafeBytes { try JSON(parsing: $0) } == value)
    }

    @Test(
        "a lone surrogate becomes the replacement character",
        arguments: [
            (#""\uD83D""#, "\u{FFFD}"), (#""\uDE42""#, "\u{FFFD}"), (#""a\uD83Db""#, "a\u{FFFD}b"),
            (#""\uD83D\n""#, "\u{FFFD}\n"), (#""\uD83D\u0041""#, "\u{FFFD}A"), (#""\uD83D\uD83D\uDE42""#, "\u{FFFD}🙂"),
            (#""\uDE42\uD83D""#, "\u{FFFD}\u{FFFD}"),
        ]
    )
    func replacesLoneSurrogates(text: String, value: String) throws {
        #expect(try JSON(parsing: text) == .string(value))
    }

    @Test("integers stay integers and other numbers are doubles")
    func keepsIntegers() throws {
        let numbers = try #require(JSON(parsing: "[1, 1.0, 1e0]").arrayValue)
        let areIntegers = numbers.map { number in
            if case .int = number { true } else { false }
        }
        #expect(areIntegers == [true, false, false])
    }

    @Test("a number beyond Double is infinite and written as null")
    func writesHugeNumbersAsNull() throws {
        let value = try JSON(parsing: "[1e400, -1e400, 1e99999999999999999999]")
        #expect(value[0] == .double(.infinity))
        #expect(value[1] == .double(-.infinity))
        #expect(value.text == "[null,null,null]")
    }

    @Test("minus zero keeps its sign as a double")
    func keepsMinusZero() throws {
        #expect(try JSON(parsing: "-0.0").text == "-0.0")
    }
}
