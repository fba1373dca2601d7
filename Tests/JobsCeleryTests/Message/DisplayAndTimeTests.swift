import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Display texts and times")
struct DisplayAndTimeTests {
    @Test func `Values are displayed as JSON, cut after 1024 characters`() {
        func shown(_ text: String) -> String { RawJSON(unchecked: Array(text.utf8)).displayText }
        #expect(shown("[1, {\"a\":\"žlu 🐎\"}]") == "[1, {\"a\":\"žlu 🐎\"}]")
        for character in ["x", "ž", "€", "🐎"] {
            let whole = String(repeating: character, count: 1024)
            #expect(shown(whole) == whole)
            #expect(shown(whole + character) == whole + "...")
            #expect(shown("ab" + String(repeating: character, count: 100_000)) == "ab" + whole.dropLast(2) + "...")
        }
    }

    @Test func `Exceptions are displayed almost as in Python`() {
        let exception = TaskException(type: "lab.Bad", arguments: ["it's", 42, nil, ["a": 1]], module: nil)
        #expect(exception.repr == #"Bad('it\'s', 42, null, {"a":1})"#)
        let long = TaskException(type: "E", arguments: [.string(String(repeating: "x", count: 5000))], module: nil)
        #expect(long.repr.hasSuffix("...)") && long.repr.count < 1040)
    }

    @Test func `Times are read in all formats of Celery`() {
        let noon: Int64 = 1_893_499_200_000
        let cases: [(String, Int64?)] = [
            ("2030-01-01T12:00:00+00:00", noon), ("2030-01-01T12:00:00Z", noon), ("2030-01-01T12:00:00", noon),
            ("2030-01-01 12:00:00", noon), ("2030-01-01T14:00:00+02:00", noon), ("2030-01-01T06:30:00-0530", noon),
            ("2030-01-01T12:00", noon), ("2030-01-01T13+01", nil), ("2030-01-01", noon - 43_200_000),
            ("2030-01-01T12:00:00.5+00:00", noon + 500), ("2030-01-01T12:00:00.123456", noon + 123),
            ("1969-12-31T23:59:59.999Z", -1), ("2028-02-29T00:00:00Z", 1_835_395_200_000), ("2030-02-29T00:00:00", nil),
            ("2030-13-01T00:00:00", nil), ("2030-01-01T24:00:00", nil), ("2030-01-01T12:00:00+99:00", nil),
            ("", nil), ("soon", nil), ("2030-01-01T", nil), ("2030-01-01T12:00:00.", nil), ("２030-01-01", nil),
        ]
        for (text, time) in cases { #expect(ISO8601.milliseconds(text) == time, "\(text)") }
    }

    @Test func `Times are written in Python's format and round-trip`() {
        #expect(ISO8601.text(1_893_499_200_000) == "2030-01-01T12:00:00+00:00")
        #expect(ISO8601.text(1_893_499_200_007) == "2030-01-01T12:00:00.007000+00:00")
        #expect(ISO8601.text(0) == "1970-01-01T00:00:00+00:00")
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let time = Int64.random(in: -60_000_000_000_000...250_000_000_000_000, using: &random)
            #expect(ISO8601.milliseconds(ISO8601.text(time)) == time)
        }
    }
}
