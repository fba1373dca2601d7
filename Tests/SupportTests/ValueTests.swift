import Support
import Testing

@Suite("Backoff")
struct BackoffTests {
    @Test("delays double up to the maximum, and restart after a reset")
    func doubles() {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        let waits = (0..<8).map { _ in backoff.next() }
        #expect(waits == [50, 100, 200, 400, 800, 1600, 2000, 2000].map { .milliseconds($0) })
        backoff.reset()
        #expect(backoff.next() == .milliseconds(50))
    }

    @Test("delays are shortened randomly without affecting the next one")
    func jitter() {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2), jitter: 0.5)
        #expect(backoff.next(chance: 0) == .milliseconds(25))
        #expect(backoff.next(chance: 1) == .milliseconds(100))
        #expect(backoff.next(chance: 0.5) == .milliseconds(150))
        for _ in 0..<1000 {
            backoff.reset()
            #expect((Duration.milliseconds(25)...Duration.milliseconds(50)).contains(backoff.next()))
        }
    }

    @Test("delays grow by any factor")
    func factor() {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(20), factor: 4)
        #expect((0..<4).map { _ in backoff.next() } == [.seconds(1), .seconds(4), .seconds(16), .seconds(20)])
        var constant = Backoff(first: .seconds(1), longest: .seconds(20), factor: 1)
        #expect((0..<3).map { _ in constant.next() } == [.seconds(1), .seconds(1), .seconds(1)])
    }
}

@Suite("Hexadecimal digits")
struct HexadecimalTests {
    @Test(
        "encode bytes",
        arguments: [([], ""), ([0], "00"), ([9, 10, 15, 16], "090a0f10"), ([0xAB, 0xCD, 0xEF, 0xFF], "abcdefff")]
            as [([UInt8], String)]
    )
    func text(bytes: [UInt8], text: String) {
        #expect(Hexadecimal.text(bytes) == text)
    }

    @Test("are parsed in either case, other characters are rejected")
    func values() {
        for byte in UInt8.min ... .max {
            #expect(Hexadecimal.value(byte).map(Int.init) == Character(UnicodeScalar(byte)).hexDigitValue)
        }
    }
}

@Suite("A unique id")
struct UniqueIDTests {
    @Test("is random, and a UUID of version 4")
    func random() {
        let ids = Set((0..<100).map { _ in UniqueID.random().text })
        #expect(ids.count == 100)
        for id in ids {
            let parts = id.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4")
            #expect("89ab".contains(parts[3].first ?? "x"))
        }
    }

    @Test("is ordered by time, and a UUID of version 7")
    func timeOrdered() {
        let ids = [0, 1, 255, 1_700_000_000_000, 1_700_000_000_001].map { UniqueID.timeOrdered(milliseconds: $0) }
        #expect(ids == ids.sorted())
        #expect(ids.map(\.text) == ids.map(\.text).sorted())
        #expect(ids[3].text.hasPrefix("018bcfe5-6800-7"))
    }

    @Test("is parsed in either case")
    func reads() {
        let text = "0192f3c4-0123-4567-b9ab-cdef01234567"
        #expect(UniqueID(text)?.text == text)
        #expect(UniqueID(text.uppercased()) == UniqueID(text))
        #expect(UniqueID(version4: 0x0192_f3c4_0123_f567, 0xf9ab_cdef_0123_4567).text == text)
    }

    @Test(
        "is not parsed from other texts",
        arguments: [
            "", "0192f3c4", "0192f3c4-0123-4567-89ab-cdef0123456", "0192f3c4-0123-4567-89ab-cdef012345678",
            "0192f3c40-123-4567-89ab-cdef01234567", "0192f3c4-0123-4567-89ab-cdef0123456g",
            "0192f3c4_0123-4567-89ab-cdef01234567", "{192f3c4-0123-4567-89ab-cdef0123456}",
            "0192f3c4-0123-4567-89ab-cdef0123456é",
        ]
    )
    func refuses(text: String) {
        #expect(UniqueID(text) == nil)
    }
}

@Suite("Base64")
struct Base64Tests {
    /// The examples of RFC 4648.
    static let examples: [(text: String, standard: String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test("is encoded as in RFC 4648", arguments: examples)
    func encodes(text: String, standard: String) {
        #expect(Base64.encode(Array(text.utf8)) == standard)
        #expect(Base64.encode(Array(text.utf8), .urlSafe) == standard.filter { $0 != "=" })
    }

    @Test("survives a round trip for any bytes, in both alphabets")
    func roundTrip() {
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encode(bytes, .urlSafe)) == bytes)
        }
        #expect(Base64.encode([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(Base64.encode([0xFB, 0xEF, 0xFF], .urlSafe) == "--__")
    }

    @Test("is decoded without padding and with line breaks")
    func lenient() {
        #expect(Base64.decode("YQ") == [97])
        #expect(Base64.decode("YWJ\r\nj") == Array("abc".utf8))
    }

    @Test("is not decoded from other texts", arguments: ["a", "YQ==Y", "Y Q=", "YWJ*", "é"])
    func refuses(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("has random texts that are long enough and unique")
    func random() {
        let texts = Set((0..<100).map { _ in Base64.random(byteCount: 16) })
        #expect(texts.count == 100)
        #expect(texts.allSatisfy { Base64.decode($0)?.count == 16 })
    }
}

@Suite("A dedicated thread")
struct OwnThreadTests {
    struct Failure: Error {}

    @Test("returns the result or throws")
    func run() async throws {
        #expect(try await OwnThread.run { 7 } == 7)
        await #expect(throws: Failure.self) { try await OwnThread.run { throw Failure() } }
    }

    @Test("is not started if the system lacks memory")
    func noRoom() {
        let isStarted = OwnThread.start(stackSize: 1 << 60) {}
        #expect(!isStarted)
    }
}

@Suite("The wall clock")
struct WallClockTests {
    @Test("has the same time in both units, after 2025")
    func units() {
        let (before, seconds, after) = (WallClock.milliseconds(), WallClock.seconds(), WallClock.milliseconds())
        #expect(before > 1_735_000_000_000)
        #expect((Double(before) / 1000...Double(after + 1) / 1000).contains(seconds))
    }
}

@Suite("Percent escapes")
struct PercentEncodingTests {
    @Test(
        "decode to bytes",
        arguments: [("", ""), ("a%20b%2f", "a b/"), ("%C3%A4", "ä"), ("%25", "%"), ("ä", "ä")]
    )
    func decodes(text: String, expected: String) {
        #expect(PercentEncoding.bytes(of: text) == Array(expected.utf8))
        #expect(PercentEncoding.lenientBytes(of: text.utf8) == Array(expected.utf8))
    }

    @Test("require two hexadecimal digits without a sign", arguments: ["%", "a%2", "%+5", "%-1b", "%zz", "%ä"])
    func malformed(text: String) {
        #expect(PercentEncoding.bytes(of: text) == nil)
        #expect(PercentEncoding.lenientBytes(of: text.utf8) == Array(text.utf8))
    }

    @Test("are used for all but letters, digits and -._~")
    func encodes() {
        #expect(PercentEncoding.text(of: "Az09-._~") == "Az09-._~")
        #expect(PercentEncoding.text(of: "a b&ä\n") == "a%20b%26%C3%A4%0A")
    }
}
