import NIOCore
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite("Decoding Redis replies")
struct RESPDecoderTests {
    /// One reply of each type, and a nested one.
    static let answers: [(text: String, value: RedisValue?)] = [
        ("+OK\r\n", .string(Array("OK".utf8))),
        ("-ERR no\r\n", .error("ERR no")),
        (":-42\r\n", .integer(-42)),
        ("$5\r\nhe\r\nl\r\n", .string(Array("he\r\nl".utf8))),
        ("$0\r\n\r\n", .string([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .array([])),
        ("_\r\n", .null),
        ("#t\r\n", .bool(true)),
        ("#f\r\n", .bool(false)),
        (",1.5\r\n", .double(1.5)),
        (",-inf\r\n", .double(-.infinity)),
        (
            "(3492890328409238509324850943850943825024385\r\n",
            .string(Array("3492890328409238509324850943850943825024385".utf8))
        ),
        ("!9\r\nERR worse\r\n", .error("ERR worse")),
        ("=7\r\ntxt:abc\r\n", .string(Array("abc".utf8))),
        ("%1\r\n+a\r\n:1\r\n", .map([.string([97]), .integer(1)])),
        ("~2\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        (">2\r\n+x\r\n*1\r\n_\r\n", .push([.string([120]), .array([.null])])),
        ("|1\r\n+ttl\r\n:3\r\n", nil),
        (
            "*3\r\n*2\r\n:1\r\n$1\r\na\r\n%0\r\n*1\r\n*1\r\n*0\r\n",
            .array([.array([.integer(1), .string([97])]), .map([]), .array([.array([.array([])])])])
        ),
    ]

    private func decode(_ pieces: [[UInt8]]) throws -> [RedisValue] {
        let processor = NIOSingleStepByteToMessageProcessor(RESPDecoder())
        var values: [RedisValue] = []
        for piece in pieces { try processor.process(buffer: ByteBuffer(bytes: piece)) { values.append($0) } }
        return values
    }

    @Test("each type of reply is decoded", arguments: answers.indices)
    func alone(_ index: Int) throws {
        let answer = Self.answers[index]
        #expect(try decode([Array(answer.text.utf8)]) == (answer.value.map { [$0] } ?? []))
    }

    @Test("replies are decoded from any fragments of the stream")
    func cuts() throws {
        let stream = Self.answers.flatMap { Array($0.text.utf8) }
        let values = Self.answers.compactMap(\.value)
        for cut in stream.indices { #expect(try decode([Array(stream[..<cut]), Array(stream[cut...])]) == values) }
        #expect(try decode(stream.map { [$0] }) == values)
    }

    @Test(
        "invalid replies are refused",
        arguments: [
            "hello\r\n", "$-2\r\n", "$x\r\n", "*99999999999\r\n", ":1x\r\n", ",x\r\n", "$1\r\nabc\r\n", "+a\rb\r\n",
            "\r\n", "$?\r\n",
        ]
    )
    func refusal(_ text: String) {
        #expect(throws: CeleryError.self) { try decode([Array(text.utf8)]) }
    }

    @Test("replies that are nested too deeply, and unterminated lines, are refused")
    func bounds() {
        #expect(throws: CeleryError.self) { try decode([Array(String(repeating: "*1\r\n", count: 33).utf8)]) }
        #expect(throws: CeleryError.self) { try decode([[UInt8](repeating: 43, count: RESPDecoder.maximumLine + 2)]) }
    }

    @Test("a large count allocates no memory before its elements arrive")
    func hugeCount() throws {
        #expect(try decode([Array("*60000000\r\n:1\r\n".utf8)]) == [])
    }

    @Test("random bytes throw or wait, but do not trap")
    func rubbish() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("*$:+-%~>|=!,#_(\r\n0123-a".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in letters.randomElement(using: &random)! }
            _ = try? decode([bytes])
        }
    }

    @Test("a reply of many megabytes is not scanned again with each fragment")
    func large() throws {
        let size = 64 << 20
        var pieces = [Array("$\(size)\r\n".utf8)]
        pieces += Array(repeating: [UInt8](repeating: 1, count: 16 << 10), count: size / (16 << 10))
        pieces.append([13, 10])
        let start = ContinuousClock.now
        #expect(try decode(pieces) == [.string([UInt8](repeating: 1, count: size))])
        let duration = ContinuousClock.now - start
        // About a second in a debug build; repeated scans would take minutes.
        #expect(duration < .seconds(30))
    }

    @Test("commands are encoded in RESP")
    func commands() {
        var buffer = ByteBuffer()
        RedisCommand("SET", "ключ", [13, 10] as [UInt8]).write(to: &buffer)
        #expect(String(buffer: buffer) == "*3\r\n$3\r\nSET\r\n$8\r\nключ\r\n$2\r\n\r\n\r\n")
    }
    @Test(
        "a command is appended to the buffer, each argument with its length",
        arguments: [0, 9, 10, 99, 100, 70_000]
    )
    func lengths(length: Int) {
        var buffer = ByteBuffer(string: "before")
        let argument = String(repeating: "x", count: length)
        RedisCommand(arguments: (0..<12).map { _ in argument.redisBytes }).write(to: &buffer)
        let one = "$\(length)\r\n\(argument)\r\n"
        #expect(String(buffer: buffer) == "before*12\r\n" + String(repeating: one, count: 12))
    }
}
