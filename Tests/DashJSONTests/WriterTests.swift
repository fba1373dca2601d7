import DashJSON
import Testing

@Suite("the writer")
struct WriterTests {
    struct Point: JSONEncodable {
        var x: Double
        var label: String?

        func encode(to writer: inout JSONWriter) {
            writer.object { members in
                members.member("x", x)
                members.member("label", ifPresent: label)
                members.member("list") { $0.array(of: [1, 2]) }
                members.member("inner") { writer in
                    writer.object { $0.member("done", true) }
                }
            }
        }
    }

    @Test("objects and arrays are written with commas")
    func structure() {
        #expect(Point(x: 1.5, label: nil).jsonText == #"{"x":1.5,"list":[1,2],"inner":{"done":true}}"#)
        #expect([Point(x: 0, label: "a")].json[0]["label"] == "a")
        var writer = JSONWriter(capacity: 0)
        writer.object { _ in }
        writer.array(of: [Int]())
        #expect(writer.bytes == Array("{}[]".utf8))
    }

    @Test("raw pieces of every kind are written verbatim")
    func pieces() {
        var writer = JSONWriter(capacity: 0)
        writer.raw(#"{"a":"#)
        writer.raw(bytes: [0x31, 0x32])
        writer.raw(bytes: Array(",x".utf8)[..<1])
        writer.raw(bytes: [])
        [UInt8]("\"b\":".utf8).withUnsafeBufferPointer { writer.raw(bytes: $0) }
        writer.null()
        writer.byte(UInt8(ascii: "}"))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":12,"b":null}"#)
    }

    struct Refused: Error {}

    @Test("an error in an object's body is rethrown")
    func passesErrors() {
        var writer = JSONWriter()
        #expect(throws: Refused.self) { try fail(&writer) }
    }

    private func fail(_ writer: inout JSONWriter) throws {
        try writer.object { members in
            members.member("a", 1)
            throw Refused()
        }
    }

    @Test("growing keeps the written text")
    func grows() throws {
        var writer = JSONWriter(capacity: 1)
        writer.array(of: (0..<10_000).map { "text \($0)" })
        let back = try [String](json: JSON(parsing: writer.bytes))
        #expect(back == (0..<10_000).map { "text \($0)" })
    }
}
