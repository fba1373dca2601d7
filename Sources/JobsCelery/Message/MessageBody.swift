import CZlib
import DashJSON

/// The body of a message of protocol 2, `[arguments, kwargs, embedded]`, unpacked and cut into its parts.
struct MessageBody {
    var arguments: RawJSON
    var kwargs: RawJSON
    /// Callbacks, errbacks, chain and chord; empty where the sender wrote null.
    var embedded: JSONObject

    /// Reads a body.
    ///
    /// - Throws: `CeleryError.contentType` for what is not accepted, `.malformed` for what is not as it must be.
    init(_ raw: BrokerMessage) throws(CeleryError) {
        let text = try Self.text(of: raw)
        if TypedJSON.isMarked(text) {
            // Rare, and every typed value has to be known: the whole tree is looked at.
            try TypedJSON.check(Self.parse(text))
        }
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

    /// Parses a JSON text of Python, in which not-a-number and infinite numbers may stand, read as null.
    static func parse(_ text: [UInt8]) throws(CeleryError) -> JSON {
        do {
            return try PythonJSON.parse(text)
        } catch {
            throw .malformed("The body is no JSON.", cause: error)
        }
    }

    /// Checks arguments that were parsed already.
    static func check(arguments: JSON, kwargs: JSON) throws(CeleryError) {
        if arguments.arrayValue == nil { throw wrongArguments(Array(arguments.excerpt.utf8)[...]) }
        if kwargs.objectValue == nil { throw wrongKeywords(Array(kwargs.excerpt.utf8)[...]) }
        try TypedJSON.check(arguments)
        try TypedJSON.check(kwargs)
    }

    private static func parts(of text: [UInt8]) throws(CeleryError) -> [ArraySlice<UInt8>] {
        do {
            guard let parts = try JSONScanner.elements(of: text[...]) else {
                throw CeleryError.malformed("The body is no array [args, kwargs, embed].")
            }
            return parts
        } catch let error as CeleryError {
            throw error
        } catch {
            throw .malformed("The body is no JSON.", cause: error)
        }
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
    /// The body's JSON text, unpacked, strict (see `PythonJSON`).
    ///
    /// - Throws: `CeleryError.contentType` for what is not accepted.
    static func text(of raw: BrokerMessage) throws(CeleryError) -> [UInt8] {
        try checkContentType(raw.contentType)
        try checkEncoding(raw.contentEncoding)
        return PythonJSON.strict(try unpacked(raw))
    }

    private static func checkContentType(_ type: String?) throws(CeleryError) {
        guard let type else {
            throw CeleryError(.contentType, "The message tells no content type; tasks are read as application/json.")
        }
        let name = (type.split(separator: ";").first.map(String.init) ?? "").lowercased()
        if name == "application/json" { return }
        if name == "application/x-python-serialize" || name == "application/pickle" {
            throw CeleryError(
                .contentType,
                """
                The task is pickled: reading that could run any code, so it is not read. \
                Set task_serializer = 'json' in the program that sends it.
                """
            )
        }
        throw CeleryError(
            .contentType,
            "The task is in \(type), which is not read. Set task_serializer = 'json' in the program that sends it."
        )
    }

    private static func checkEncoding(_ encoding: String?) throws(CeleryError) {
        let known: Set<String> = ["utf-8", "utf8", "us-ascii", "ascii", "binary", ""]
        guard let encoding, !known.contains(encoding.lowercased()) else { return }
        throw CeleryError(.contentType, "The task's text is encoded in \(encoding); only utf-8 is read.")
    }

    private static func unpacked(_ raw: BrokerMessage) throws(CeleryError) -> [UInt8] {
        guard let compression = raw.headers["compression"], !compression.isNull else { return raw.body }
        let zlib: Set<String> = ["application/x-gzip", "zlib", "gzip", "application/zlib"]
        guard let name = compression.stringValue, zlib.contains(name) else {
            throw CeleryError(
                .contentType,
                """
                The task is compressed with \(compression.excerpt), which is not read. \
                Set task_compression = 'zlib', or none, in the program that sends it.
                """
            )
        }
        return try Inflation.inflate(raw.body, limit: inflationLimit)
    }

    /// How many bytes a compressed body may unpack to: 128 MiB.
    static let inflationLimit = 128 << 20
}

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
