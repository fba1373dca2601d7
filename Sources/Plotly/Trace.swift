public import DashJSON

/// One trace of a figure: a series of data and how it is drawn.
///
/// Made by `go.Bar(x: …, y: …)` and its like, or as a literal: `["type": "bar", "y": [1, 2]]`. The members are named
/// as in Plotly's reference.
public struct Trace: Sendable, Hashable, JSONConvertible {
    /// The members, `type` among them.
    public var members: JSONObject

    /// Makes a trace of its members.
    public init(_ members: JSONObject) {
        self.members = members
    }

    /// Reads a trace.
    ///
    /// - Throws: `JSONError` if it is no object.
    public init(json: JSON) throws {
        members = try JSONObject(json: json)
    }

    /// The member `name`; `null` if there is none.
    public subscript(name: String) -> JSON {
        get { members[name] ?? .null }
        set { members[name] = newValue }
    }

    /// The trace as a value.
    public var json: JSON { .object(members) }

    /// Writes the trace.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }
}

extension Trace: ExpressibleByDictionaryLiteral {
    /// `["type": "bar", "y": [1, 2]]`
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(JSONObject(elements))
    }
}
