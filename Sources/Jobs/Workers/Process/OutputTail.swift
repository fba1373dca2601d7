/// The last bytes of something long.
struct OutputTail: Sendable {
    private var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: How many bytes are kept.
    init(limit: Int = 64 << 10) { self.limit = limit }

    /// Adds bytes and forgets the oldest when there are too many.
    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more
        if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }  // Rarely, as it moves them all.
    }

    /// Forgets everything.
    mutating func clear() { bytes.removeAll() }

    /// What is kept, as text.
    var text: String { String(decoding: bytes.suffix(limit), as: UTF8.self) }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    private let longest: Int

    /// - Parameter longest: A line with more bytes is cut, so that output without line ends needs no memory.
    init(longest: Int = 16 << 10) { self.longest = longest }

    /// Takes more bytes and gives the lines that are now whole, without their ends.
    mutating func add(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            if byte == UInt8(ascii: "\n") || rest.count == longest { lines += [takeRest()] }
        }
        return lines
    }

    /// The last line, if it has no end.
    mutating func finish() -> String? { rest.isEmpty ? nil : takeRest() }

    private mutating func takeRest() -> String {
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
