import CZlib

/// Unpacks what zlib packed.
enum Inflation {
    /// Unpacks a zlib or gzip stream.
    ///
    /// - Parameter limit: How many bytes may come out.
    /// - Throws: `CeleryError.malformed` if it is no such stream, is cut off, or holds more than `limit` bytes.
    static func inflate(_ packed: [UInt8], limit: Int) throws(CeleryError) -> [UInt8] {
        guard let size = UInt32(exactly: packed.count) else { throw .malformed("The compressed body is too large.") }
        var stream = z_stream()
        // 15 is the largest window; 32 more accepts both headers, zlib's and gzip's.
        let version = ZLIB_VERSION
        guard inflateInit2_(&stream, 15 + 32, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .malformed("There is no memory to unpack the body.")
        }
        defer { inflateEnd(&stream) }
        // zlib takes the input as mutable but does not change it.
        var packed = packed
        let unpacked = packed.withUnsafeMutableBufferPointer { input -> Result<[UInt8], CeleryError> in
            stream.next_in = input.baseAddress
            stream.avail_in = size
            return Result { () throws(CeleryError) in try unpack(&stream, limit: limit) }
        }
        return try unpacked.get()
    }

    private static func unpack(_ stream: inout z_stream, limit: Int) throws(CeleryError) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let (status, count) = chunk.withUnsafeMutableBufferPointer { output in
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (status, output.count - Int(stream.avail_out))
            }
            guard result.count + count <= limit else {
                throw .malformed("The compressed body unpacks to more than \(limit) bytes.")
            }
            result += chunk[..<count]
            if status == Z_STREAM_END { return result }
            guard status == Z_OK else { throw .malformed("The compressed body is damaged (zlib says \(status)).") }
        }
    }
}
