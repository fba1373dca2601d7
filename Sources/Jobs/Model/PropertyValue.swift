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

    /// Whether ``value`` is a change to the present value (a Patch) and does not replace it: an object whose first member
    /// is `__dash_patch_update`, which is where Dash puts it.
    public var isPatch: Bool {
        var rest = value.bytes[...]
        rest = rest.drop(while: RawJSONArray.isSpace)
        guard rest.popFirst() == UInt8(ascii: "{") else { return false }
        return rest.drop(while: RawJSONArray.isSpace).starts(with: Self.patchMark)
    }

    private static let patchMark = Array("\"__dash_patch_update\"".utf8)
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
        guard let elements = RawJSONArray.elements(of: body[...]) else { return nil }
        var values: [PropertyValue] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            guard let value = PropertyValue(triple: element) else { return nil }
            values.append(value)
        }
        return values
    }

    private init?(triple: ArraySlice<UInt8>) {
        guard let parts = RawJSONArray.elements(of: triple), parts.count == 3,
            let id = RawJSONArray.string(parts[0]), let property = RawJSONArray.string(parts[1])
        else { return nil }
        self.init(id: id, property: property, value: RawJSON(unchecked: Array(parts[2])))
    }
}
