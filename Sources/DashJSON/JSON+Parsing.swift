extension JSON {
    /// Reads a JSON text in UTF-8, exactly one value with white space around it.
    ///
    /// Of several members of one name the last wins. Half a surrogate pair in an escape becomes U+FFFD. Integers beyond
    /// `Int` become doubles, and `1e400` infinite, which is written as `null`.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - maximumDepth: How deep arrays and objects may be nested. A value takes stack in proportion to its depth.
    /// - Throws: `JSONError` with the place of the first fault.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 512) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            try JSONParser.parse(buffer, maximumDepth: maximumDepth)
        }
    }

    /// Reads a JSON text; see `init(parsing:maximumDepth:)` for bytes.
    ///
    /// - Throws: `JSONError` with the place of the first fault, in bytes of the text's UTF-8.
    public init(parsing text: String, maximumDepth: Int = 512) throws(JSONError) {
        self = try JSON(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// Reads a JSON text in UTF-8; see `init(parsing:maximumDepth:)` for bytes.
    ///
    /// - Throws: `JSONError` with the place of the first fault.
    public init(parsing buffer: UnsafeRawBufferPointer, maximumDepth: Int = 512) throws(JSONError) {
        self = try buffer.withMemoryRebound(to: UInt8.self) { buffer throws(JSONError) in
            try JSONParser.parse(buffer, maximumDepth: maximumDepth)
        }
    }
}
