import DashJSON
import Testing

@Suite("invalid JSON texts")
struct RejectedTextTests {
    static let faults: [(text: String, code: JSONError.Code, place: Int)] = [
        ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("tru", .unexpectedEnd, 3), ("nul1", .syntax, 3),
        ("True", .syntax, 0), ("NaN", .syntax, 0), ("Infinity", .syntax, 0), ("-Infinity", .syntax, 1),
        ("undefined", .syntax, 0), ("truefalse", .syntax, 4), ("'a'", .syntax, 0),
        ("01", .syntax, 1), ("-01", .syntax, 2), ("00", .syntax, 1), ("+1", .syntax, 0), (".5", .syntax, 0),
        ("-", .unexpectedEnd, 1), ("1.", .unexpectedEnd, 2), ("1.e1", .syntax, 2), ("1e", .unexpectedEnd, 2),
        ("1e+", .unexpectedEnd, 3), ("1e1.5", .syntax, 3), ("0x10", .syntax, 1), ("1_000", .syntax, 1),
        ("1 2", .syntax, 2), ("[1] x", .syntax, 4), ("{}}", .syntax, 2),
        ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("[1,]", .syntax, 3),
        ("[,1]", .syntax, 1), ("[1 2]", .syntax, 3), ("[1}", .syntax, 2), ("]", .syntax, 0),
        ("{", .unexpectedEnd, 1), (#"{"a""#, .unexpectedEnd, 4), (#"{"a":"#, .unexpectedEnd, 5),
        (#"{"a":1,}"#, .syntax, 7), (#"{"a" 1}"#, .syntax, 5), (#"{a:1}"#, .syntax, 1), (#"{1:1}"#, .syntax, 1),
        (#"{"a":1 "b":2}"#, .syntax, 7), (#"{"a":1]"#, .syntax, 6),
        (#"""#, .unexpectedEnd, 1), (#""a"#, .unexpectedEnd, 2), (#""\"#, .unexpectedEnd, 2),
        (#""\x""#, .syntax, 2), (#""\u12""#, .syntax, 5), (#""\u123g""#, .syntax, 6), (#""\uD83D\u12""#, .syntax, 11),
        ("\"a\nb\"", .syntax, 2), ("\"\t\"", .syntax, 1), ("\"\0\"", .syntax, 1), ("\0", .syntax, 0),
        ("1\0", .syntax, 1),
        ("\u{FEFF}1", .syntax, 0), ("/* */ 1", .syntax, 0), ("[1] // one", .syntax, 4), ("\u{A0}1", .syntax, 0),
    ]

    @Test("an invalid text is rejected with the position of the error", arguments: faults)
    func refuses(text: String, code: JSONError.Code, place: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error.code == code)
        #expect(error.byteOffset == place)
    }

    static let invalidUTF8: [(bytes: [UInt8], place: Int)] = [
        ([0xFF], 0), ([0x22, 0x80, 0x22], 1), ([0x22, 0xC3, 0x22], 1), ([0x22, 0xC0, 0xAF, 0x22], 1),
        ([0x22, 0xE0, 0x80, 0xAF, 0x22], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
        ([0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], 1),
        ([0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], 1), ([0x22, 0xC3, 0xA9, 0xE6, 0xBC], 3), ([0x22, 0xF0, 0x9F, 0x99], 1),
        (Array(#""eight bytes or more""#.utf8) + [0xFE], 21),
    ]

    @Test("invalid UTF-8 is rejected with its position", arguments: invalidUTF8)
    func refusesInvalidUTF8(bytes: [UInt8], place: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: bytes) }
        #expect(error.code == .invalidUTF8)
        #expect(error.byteOffset == place)
    }

    @Test("every truncation of a valid text is rejected")
    func refusesEveryPrefix() throws {
        let text = Array(#"{"a":[1,-2.5e3,"x\"\u00e9é",true,null],"b":{}}"#.utf8)
        for length in text.indices {
            #expect(throws: JSONError.self) { try JSON(parsing: Array(text[..<length])) }
        }
    }

    @Test("an error message names what was expected and found, and the position")
    func describesTheFault() throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: "[1;2]") }
        #expect(error.description == "Expected “,” or “]”, found “;”. (JSON, byte 2)")
        let end = try #require(throws: JSONError.self) { try JSON(parsing: "[1") }
        #expect(end.message == "Expected “,” or “]”, but the text ends.")
    }
}
