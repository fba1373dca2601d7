extension JSONWriter {
    /// Writes an array of the elements, with brackets and commas.
    @inlinable
    public mutating func array(of elements: some Sequence<some JSONEncodable>) {
        byte(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if isFirst { isFirst = false } else { byte(UInt8(ascii: ",")) }
            element.encode(to: &self)
        }
        byte(UInt8(ascii: "]"))
    }

    /// Writes an object of the members that `body` writes, with braces and commas.
    ///
    /// - Throws: what `body` throws; the text is then of no use.
    public mutating func object<Failure: Error>(
        _ body: (inout ObjectWriter) throws(Failure) -> Void
    ) throws(Failure) {
        byte(UInt8(ascii: "{"))
        // This writer moves into the members' one and back, so nothing is copied.
        var members = ObjectWriter(self)
        do {
            try body(&members)
        } catch {
            self = members.finish()
            throw error
        }
        self = members.finish()
        byte(UInt8(ascii: "}"))
    }
}

/// Writes the members of one object; see `JSONWriter.object`.
public struct ObjectWriter: ~Copyable {
    private var writer: JSONWriter
    private var isFirst = true

    init(_ writer: consuming JSONWriter) {
        self.writer = writer
    }

    consuming func finish() -> JSONWriter {
        writer
    }

    /// Writes a member. Nothing looks whether there is one of this name already.
    public mutating func member(_ key: String, _ value: some JSONEncodable) {
        self.key(key)
        value.encode(to: &writer)
    }

    /// Writes a member unless the value is nil.
    public mutating func member(_ key: String, ifPresent value: (some JSONEncodable)?) {
        if let value { member(key, value) }
    }

    /// Writes a member whose value, exactly one, `body` writes.
    ///
    /// - Throws: what `body` throws.
    public mutating func member<Failure: Error>(
        _ key: String,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.key(key)
        try body(&writer)
    }

    private mutating func key(_ key: String) {
        if isFirst { isFirst = false } else { writer.byte(UInt8(ascii: ",")) }
        writer.string(key)
        writer.byte(UInt8(ascii: ":"))
    }
}
