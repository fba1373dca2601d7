public import DashJSON

/// A value for one property of one component, as a job sends it to the page. Its JSON form is `[id, property, value]`.
public struct PropertyValue: Sendable, Hashable {
    /// The component's id as text: `a`, or the JSON text of a pattern id such as `{"index":1,"type":"x"}`.
    public var id: String
    /// The property's name in the browser, for example `children`.
    public var property: String
    /// The value, encoded.
    public var value: RawJSON

    /// Makes a value for a property.
    public init(id: String, property: String, value: RawJSON) {
        self.id = id
        self.property = property
        self.value = value
    }

    /// Whether ``value`` is a change to the present value (a Patch) and does not replace it: an object with a member
    /// `__dash_patch_update`, as for the browser.
    public var isPatch: Bool { value.isPatch }
}

extension PropertyValue: JSONEncodable {
    /// Writes `[id, property, value]`.
    public func encode(to writer: inout JSONWriter) {
        writer.byte(UInt8(ascii: "["))
        writer.string(id)
        writer.byte(UInt8(ascii: ","))
        writer.string(property)
        writer.byte(UInt8(ascii: ","))
        writer.raw(bytes: value.bytes)
        writer.byte(UInt8(ascii: "]"))
    }
}

extension PropertyValue {
    /// Reads what a worker sends as progress or properties: `[[id, property, value], …]`. Values are not parsed.
    ///
    /// - Parameter body: JSON text.
    /// - Returns: The values in order, or nil if the text has another form.
    public static func list(from body: [UInt8]) -> [PropertyValue]? {
        try? JSONScanner.read(body[...]) { scanner throws(JSONError) in
            var values: [PropertyValue] = []
            try scanner.elements { scanner throws(JSONError) in values.append(try PropertyValue(&scanner)) }
            return values
        }
    }

    /// Reads one `[id, property, value]`; nil if the text has another form.
    init?(reading text: ArraySlice<UInt8>) {
        guard let value = try? JSONScanner.read(text, PropertyValue.init) else { return nil }
        self = value
    }

    private init(_ scanner: inout JSONScanner) throws(JSONError) {
        let parts = try scanner.elements()
        guard parts.count == 3, let id = try scanner.string(at: parts[0]),
            let property = try scanner.string(at: parts[1])
        else { throw scanner.unexpected("[id, property, value]") }
        self.init(id: id, property: property, value: RawJSON(unchecked: Array(scanner.text[parts[2]])))
    }
}
