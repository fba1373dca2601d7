internal import CDashSpawn

/// The frames that come from a socket, read with as few calls as possible.
struct FrameSource {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    /// What was read and is not taken.
    private var unread = 0..<0

    /// - Parameter descriptor: The socket; it is waited for, whether it blocks or not.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The next frame; nil at the end of the socket, or when what comes is no frame.
    mutating func next() -> Frame? {
        guard let header = take(4) else { return nil }
        let length = Frame.length(header)
        guard length <= Frame.maximumLength, let body = take(length) else { return nil }
        return try? Frame(body)
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard count > buffer.count else {
            while unread.count < count { if !readMore() { return nil } }
            defer { unread = (unread.lowerBound + count)..<unread.upperBound }
            return Array(buffer[unread.lowerBound..<(unread.lowerBound + count)])
        }
        var bytes = Array(buffer[unread])
        let known = unread.count
        unread = 0..<0
        bytes += repeatElement(0, count: count - known)
        let isWhole = bytes.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { dash_read_all(descriptor, $0 + known, count - known) }
        }
        return isWhole == true ? bytes : nil
    }

    /// Reads what there is, as far as the buffer has room.
    private mutating func readMore() -> Bool {
        if unread.lowerBound > 0 {
            for (place, index) in unread.enumerated() { buffer[place] = buffer[index] }
            unread = 0..<unread.count
        }
        let end = unread.upperBound
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { dash_read_some(descriptor, $0 + end, bytes.count - end) } ?? -1
        }
        guard count > 0 else { return false }
        unread = unread.lowerBound..<(end + count)
        return true
    }
}
