import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite("Python's display format and times")
struct DisplayAndTimeTests {
    @Test func `Values are displayed as in Python`() throws {
        let cases: [(String, String)] = [
            ("[]", "()"), ("[1]", "(1,)"), ("[1, 2]", "(1, 2)"), ("[\"x\"]", "('x',)"),
            ("[true, false, null]", "(True, False, None)"), ("[\"it's\"]", "('it\\'s',)"),
            ("[[1, [2, [3]]]]", "([1, [2, [...]]],)".replacing("[2, [...]]", with: "[2, [...]]")),
            ("[{\"a\": {\"b\": {\"c\": 1}}}]", "({'a': {'b': {...}}},)"),
            ("[1.5, 1e300, 100000.0, 1.0]", "(1.5, 1e+300, 100000.0, 1.0)"),
            ("[\"\\u017elu \\ud83d\\udc0e\"]", "('žlu 🐎',)"),
        ]
        for (text, shown) in cases {
            #expect(PythonRepr.ofArguments(RawJSON(unchecked: Array(text.utf8))) == shown, "\(text)")
        }
        #expect(PythonRepr.of(["y": 2, "z": ["k": "v"]]) == "{'y': 2, 'z': {'k': 'v'}}")
        #expect(PythonRepr.of([:]) == "{}")
    }

    @Test func `Long values are truncated and their brackets closed`() {
        let numbers = JSON.array((0..<1000).map { .int($0) })
        let shown = PythonRepr.ofArguments(RawJSON(json: [numbers]))
        #expect(shown.hasSuffix(", ...],)"))
        #expect(shown.count < 1040)
        let text = PythonRepr.ofArguments(RawJSON(json: [.string(String(repeating: "ab ", count: 5000))]))
        #expect(text.hasSuffix("...',)"))
        #expect(text.count < 1040)
        #expect(
            PythonRepr.ofArguments(RawJSON(json: [.string(String(repeating: "x", count: 2000)), 1])).hasSuffix(
                "...', ...)"
            )
        )
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
