/// Makes ids for tasks and groups.
enum TaskID {
    /// A random UUID (version 4), as Celery makes.
    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let high: UInt64 = (random.next() & ~0xF000) | 0x4000
        let low: UInt64 = (random.next() >> 2) | (1 << 63)
        let digits = hexadecimal(high) + hexadecimal(low)
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func hexadecimal(_ number: UInt64) -> [Character] {
        let digits = String(number, radix: 16)
        return Array(repeating: "0", count: 16 - digits.count) + digits
    }
}
