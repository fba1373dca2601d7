import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite("Redis commands")
struct RedisCommandTests {
    @Test("texts, numbers and bytes become bytes")
    func arguments() {
        let command = RedisCommand("SETEX", "k", 60, [0, 255] as [UInt8])
        #expect(command.arguments == [Array("SETEX".utf8), Array("k".utf8), Array("60".utf8), [0, 255]])
    }
}
