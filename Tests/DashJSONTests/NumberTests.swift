import DashJSON
import Testing

@Suite("numbers as text")
struct NumberTests {
    static let written: [(value: Double, text: String)] = [
        (0, "0"), (-0.0, "-0.0"), (1, "1"), (-3, "-3"), (0.1, "0.1"), (-2.5, "-2.5"), (12.34, "12.34"),
        (100.25, "100.25"),
        (0.07, "0.07"), (0.000001, "0.000001"), (0.0000001, "1e-07"), (123456789.125, "123456789.125"),
        (0.1 + 0.2, "0.30000000000000004"), (1.0 / 3, "0.3333333333333333"), (1e21, "1e+21"),
        (.leastNonzeroMagnitude, "5e-324"),
        (9_007_199_254_740_991, "9007199254740991"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
    ]

    @Test("a double is written with the shortest digits", arguments: written)
    func writes(value: Double, text: String) {
        #expect(JSON.double(value).text == text)
        #expect(value.jsonText == text)
    }

    @Test(
        "a Float is written with its own shortest digits",
        arguments: [
            (0.1 as Float, "0.1"), (3, "3"), (-0.0, "-0.0"), (16_777_216, "16777216.0"), (.nan, "null"),
            (.infinity, "null"),
        ]
    )
    func writesFloats(value: Float, text: String) throws {
        #expect(value.jsonText == text)
        if value.isFinite { #expect(try Float(json: JSON(parsing: text)) == value) }
    }

    @Test("integers of every width are written with all digits")
    func writesIntegers() {
        #expect([Int.min, -1, 0, 9, 10, Int.max].jsonText == "[-9223372036854775808,-1,0,9,10,9223372036854775807]")
        #expect([UInt64.max, 0].jsonText == "[18446744073709551615,0]")
        #expect([Int8.min, Int8.max].jsonText == "[-128,127]")
    }

    @Test("any double survives a round trip, with no more digits than in Swift")
    func roundTrips() throws {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<20_000 {
            let value = generator.double()
            let text = value.jsonText
            #expect(Double(text)?.bitPattern == value.bitPattern)
            #expect(try JSON(parsing: text).doubleValue == value)
            #expect(text.filter(\.isNumber).count <= max(value.description.filter(\.isNumber).count, 7))
        }
    }

    @Test("any decimal text is parsed as the nearest double, as in Swift")
    func readsNearest() throws {
        var generator = SeededGenerator(state: 5)
        for _ in 0..<50_000 {
            let text = decimalText(&generator)
            let value = try JSON(parsing: text).doubleValue
            #expect(value?.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
    }

    @Test(
        "decimals halfway between two doubles round to even",
        arguments: [
            "9007199254740993.0", "9007199254740995.0", "4503599627370496.5", "4503599627370497.5",
            "4503599627370497.501",
            "900719925474099.3125", "0.5000000000000000555", "18446744073709551615.0", "9999999999999999.999",
            "1.7976931348623158e308", "2.2250738585072011e-308", "0.0000000000000000001", "1e-19", "12345e-19",
        ]
    )
    func roundsTies(text: String) throws {
        #expect(try JSON(parsing: text).doubleValue?.bitPattern == Double(text)?.bitPattern)
    }

    private func decimalText(_ generator: inout SeededGenerator) -> String {
        let whole = generator.next() >> UInt64.random(in: 1...63, using: &generator)
        let fraction = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
            String(Int.random(in: 0...9, using: &generator))
        }
        let exponent = Bool.random(using: &generator) ? "e\(Int.random(in: -25...25, using: &generator))" : ""
        let sign = Bool.random(using: &generator) ? "-" : ""
        return "\(sign)\(whole).\(fraction.joined())\(exponent)"
    }
}
