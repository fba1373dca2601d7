import CZlib
import DashJSON

/// The body of a protocol 2 message, `[arguments, kwargs, embedded]`, decompressed and split into its parts.
struct MessageBody {
    var arguments: RawJSON
    var kwargs: RawJSON
    /// Callbacks, errbacks, chain and chord; empty if the sender wrote null.
    var embedded: JSONObject

    /// Reads a body.
    ///
    /// - Throws: `CeleryError.contentType` for an unsupported format, `.malformed` for an invalid body.
    init(_ raw: BrokerMessage) throws(CeleryError) {
        let text = try Self.text(of: raw)
        // Rare: only then is the whole body parsed.
        if TypedJSON.isMarked(text) { try TypedJSON.check(Self.parse(text)) }
        let parts = try Self.parts(of: text)
        guard parts.count == 3 else {
            throw .malformed("The body has \(parts.count) elements, not 3: [args, kwargs, embed].")
        }
        guard parts[0].first == UInt8(ascii: "[") else { throw Self.wrongArguments(parts[0]) }
        guard parts[1].first == UInt8(ascii: "{") else { throw Self.wrongKeywords(parts[1]) }
        arguments = RawJSON(unchecked: Array(parts[0]))
        kwargs = RawJSON(unchecked: Array(parts[1]))
        embedded = try Self.embedded(Self.parse(Array(parts[2])))
    }

    /// Parses Python's JSON; NaN and infinite numbers become null.
    static func parse(_ text: [UInt8]) throws(CeleryError) -> JSON {
        try CeleryError.parse("The body is not valid JSON.") { () throws(JSONError) in try PythonJSON.parse(text) }
    }

    static func check(arguments: JSON, kwargs: JSON) throws(CeleryError) {
        if arguments.arrayValue == nil { throw wrongArguments(Array(arguments.excerpt.utf8)[...]) }
        if kwargs.objectValue == nil { throw wrongKeywords(Array(kwargs.excerpt.utf8)[...]) }
        try TypedJSON.check(arguments)
        try TypedJSON.check(kwargs)
    }

    private static func parts(of text: [UInt8]) throws(CeleryError) -> [ArraySlice<UInt8>] {
        let parts = try CeleryError.parse("The body is not valid JSON.") { () throws(JSONError) in
            try JSONScanner.elements(of: text[...])
        }
        guard let parts else { throw .malformed("The body is not an array [args, kwargs, embed].") }
        return parts
    }

    private static func embedded(_ json: JSON) throws(CeleryError) -> JSONObject {
        switch json {
        case .null: return JSONObject()
        case .object(let members): return members
        default: throw .malformed("The third element of the body is \(json.excerpt), not an object or null.")
        }
    }

    private static func wrongArguments(_ found: ArraySlice<UInt8>) -> CeleryError {
        .malformed("The arguments are \(excerpt(found)), not an array.")
    }

    private static func wrongKeywords(_ found: ArraySlice<UInt8>) -> CeleryError {
        .malformed("The named arguments are \(excerpt(found)), not an object.")
    }

    private static func excerpt(_ text: ArraySlice<UInt8>) -> String {
        String(decoding: text.prefix(60), as: UTF8.self)
    }
}

extension MessageBody {
    /// The body's decompressed text as strict JSON (see `PythonJSON`).
    ///
    /// - Throws: `CeleryError.contentType` for an unsupported format.
    static func text(of raw: BrokerMessage) throws(CeleryError) -> [UInt8] {
        try checkContentType(raw.contentType)
        try checkEncoding(raw.contentEncoding)
        return PythonJSON.strict(try unpacked(raw))
    }

    private static func checkContentType(_ type: String?) throws(CeleryError) {
        guard let type else {
            throw CeleryError(.contentType, "The message has no content type; expected application/json.")
        }
        let name = (type.split(separator: ";").first.map(String.init) ?? "").lowercased()
        if name == "application/json" { return }
        // Unpickling can run arbitrary code.
        throw CeleryError(
            .contentType,
            "The task's format \(type) is not supported. Set task_serializer = 'json' in the program that sends it."
        )
    }

    private static func checkEncoding(_ encoding: String?) throws(CeleryError) {
        let known: Set<String> = ["utf-8", "utf8", "us-ascii", "ascii", "binary", ""]
        guard let encoding, !known.contains(encoding.lowercased()) else { return }
        throw CeleryError(.contentType, "The task's encoding \(encoding) is not supported; use utf-8.")
    }

    private static func unpacked(_ raw: BrokerMessage) throws(CeleryError) -> [UInt8] {
        guard let compression = raw.headers["compression"], !compression.isNull else { return raw.body }
        let zlib: Set<String> = ["application/x-gzip", "zlib", "gzip", "application/zlib"]
        guard let name = compression.stringValue, zlib.contains(name) else {
            throw CeleryError(
                .contentType,
                """
                The task's compression \(compression.excerpt) is not supported. \
                Set task_compression = 'zlib', or none, in the program that sends it.
                """
            )
        }
        return try Inflation.inflate(raw.body, limit: inflationLimit)
    }

    /// The most bytes that a compressed body may decompress to: 128 MiB.
    static let inflationLimit = 128 << 20
}

enum Inflation {
    /// Decompresses a zlib or gzip stream.
    ///
    /// - Parameter limit: The most decompressed bytes.
    /// - Throws: `CeleryError.malformed` if the stream is invalid, truncated or exceeds `limit`.
    static func inflate(_ packed: [UInt8], limit: Int) throws(CeleryError) -> [UInt8] {
        guard let size = UInt32(exactly: packed.count) else { throw .malformed("The compressed body is too large.") }
        var stream = z_stream()
        // 15 is the largest window; adding 32 accepts both zlib and gzip headers.
        let version = ZLIB_VERSION
        guard inflateInit2_(&stream, 15 + 32, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .malformed("Out of memory: cannot decompress the body.")
        }
        defer { inflateEnd(&stream) }
        // zlib declares the input as mutable but does not change it.
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
                throw .malformed("The compressed body decompresses to more than \(limit) bytes.")
            }
            result += chunk[..<count]
            if status == Z_STREAM_END { return result }
            guard status == Z_OK else { throw .malformed("The compressed body is damaged (zlib status \(status)).") }
        }
    }
}
