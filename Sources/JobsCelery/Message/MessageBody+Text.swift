import DashJSON

extension MessageBody {
    /// The body's JSON text, unpacked, strict (see `PythonJSON`).
    ///
    /// - Throws: `CeleryError.contentType` for what is not accepted.
    static func text(of raw: RawTask) throws(CeleryError) -> [UInt8] {
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

    private static func unpacked(_ raw: RawTask) throws(CeleryError) -> [UInt8] {
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
