import NIOCore

extension RedisCommand {
    /// Writes the command as Redis reads it: `*`, the number of its arguments, then `$`, the length and the bytes of each, with a
    /// line end after each part.
    func write(to buffer: inout ByteBuffer) {
        let bytes = arguments.reduce(0) { $0 + $1.count }
        let size = bytes + (1 + arguments.count) * RESPWriter.longestHeader + 2 * arguments.count
        // In one piece: a command of a job has up to a hundred short arguments, and five writes for each cost more than their bytes.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
            var writer = RESPWriter(memory: memory)
            writer.header(UInt8(ascii: "*"), arguments.count)
            for argument in arguments {
                writer.header(UInt8(ascii: "$"), argument.count)
                writer.append(argument)
                writer.endLine()
            }
            return writer.count
        }
    }
}

/// Writes into memory that has room for all that is written.
private struct RESPWriter {
    /// Bytes of a header: its sign, the digits of a number that is not negative, a line end.
    static let longestHeader = 22

    let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    mutating func header(_ sign: UInt8, _ number: Int) {
        append(sign)
        let start = count
        var rest = number
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        memory[start..<count].reverse()
        endLine()
    }

    mutating func append(_ bytes: [UInt8]) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyBytes(from: bytes)
        count += bytes.count
    }

    mutating func endLine() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }
}
