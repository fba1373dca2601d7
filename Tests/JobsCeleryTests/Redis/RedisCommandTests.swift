import Testing

@testable import JobsCelery

@Suite("A Redis command")
struct RedisCommandTests {
    @Test("holds texts, numbers and bytes as bytes")
    func arguments() {
        let command = RedisCommand("SETEX", "k", 60, [0, 255] as [UInt8])
        #expect(command.arguments == [Array("SETEX".utf8), Array("k".utf8), Array("60".utf8), [0, 255]])
    }
}
