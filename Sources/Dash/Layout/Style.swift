public import DashJSON

/// Inline CSS, its names as React writes them: `["visibility": "hidden", "backgroundColor": "#eee"]`.
public struct Style: JSONEncodable, JSONDecodable, Hashable, ExpressibleByDictionaryLiteral {
    /// Names and values, in the order given.
    public var properties: JSONObject

    /// A style of these names and values.
    public init(_ properties: JSONObject = [:]) { self.properties = properties }

    /// A style of these names and values; a variable is given as JSON: `["width": "\(n)px", "opacity": .double(x)]`.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var properties = JSONObject()
        for (name, value) in elements { properties[name] = value }
        self.init(properties)
    }

    /// Reads an object.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for anything else.
    public init(json: JSON) throws {
        guard let object = json.objectValue else { throw DashError.typeMismatch(Style.self, json) }
        self.init(object)
    }

    /// Writes an object.
    public func encode(to writer: inout JSONWriter) { properties.encode(to: &writer) }

    /// The value of one name; `nil` takes it away.
    public subscript(name: String) -> JSON? {
        get { properties[name] }
        set { properties[name] = newValue }
    }
}
