public import DashJSON

/// A Plotly figure, shown by a `dcc.Graph`.
///
/// ```swift
/// go.Figure(data: [go.Bar(x: ["a", "b"], y: [1, 2])], layout: dict(height: 100, margin: dict(t: 20, b: 40)))
/// ```
public struct Figure: Sendable, Hashable, JSONConvertible {
    /// The traces, drawn in order.
    public var data: [Trace]
    /// The layout: axes, margins, titles, as in Plotly's reference.
    public var layout: JSON
    /// Other members, for example `frames`, passed through unchanged.
    public var others: JSONObject

    /// Creates a figure.
    public init(data: [Trace] = [], layout: JSON = [:], others: JSONObject = [:]) {
        self.data = data
        self.layout = layout
        self.others = others
    }

    /// Decodes a figure from the browser; missing parts are empty.
    ///
    /// - Throws: `JSONError` if it is not an object, or its data is not an array of objects.
    public init(json: JSON) throws {
        var members = try JSONObject(json: json)
        data = try [Trace]?(json: members["data"] ?? .null) ?? []
        layout = members["layout"] ?? [:]
        members["data"] = nil
        members["layout"] = nil
        others = members
    }

    /// Writes the figure.
    public func encode(to writer: inout JSONWriter) {
        writer.object { members in
            members.member("data", data)
            members.member("layout", layout)
            for (key, value) in others { members.member(key, value) }
        }
    }

    /// The figure as a value.
    public var json: JSON {
        var members: JSONObject = ["data": data.json, "layout": layout]
        for (key, value) in others { members[key] = value }
        return .object(members)
    }
}

/// One trace of a figure: a data series and its appearance.
///
/// Created by makers such as `go.Bar(x: …, y: …)`, or as a literal: `["type": "bar", "y": [1, 2]]`. Members have the
/// names of Plotly's reference.
public struct Trace: Sendable, Hashable, JSONConvertible {
    /// The members, including `type`.
    public var members: JSONObject

    /// Creates a trace.
    public init(_ members: JSONObject) {
        self.members = members
    }

    /// Decodes a trace.
    ///
    /// - Throws: `JSONError` if it is not an object.
    public init(json: JSON) throws {
        members = try JSONObject(json: json)
    }

    /// The member `name`; `null` if it is missing.
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

/// Creates traces of one type: `go.Bar(x: [1, 2, 3], name: "a")`.
///
/// Takes any number of named, encodable values with the names of Plotly's reference. nil values are omitted.
@dynamicCallable
public struct TraceMaker: Sendable {
    /// The type in Plotly, for example `bar`.
    public let type: String

    /// Creates a maker for a type that `go` lacks.
    public init(type: String) {
        self.type = type
    }

    /// Creates a trace; call the maker itself instead: `go.Bar(y: [1])`.
    public func dynamicallyCall(withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>) -> Trace {
        var object: JSONObject = ["type": .string(type)]
        object.reserveCapacity(members.count + 1)
        for (key, value) in members { object[key] = value?.json }
        return Trace(object)
    }
}

/// Creates a JSON object like Python's `dict`: `dict(t: 20, b: 40)`.
///
/// Takes any number of named, encodable values, including variables, unlike a JSON literal; nil becomes `null`. Members
/// keep their order.
@dynamicCallable
public struct DictMaker: Sendable {
    /// Creates the object; call the maker itself instead: `dict(t: 20)`.
    public func dynamicallyCall(withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>) -> JSON {
        var object = JSONObject()
        object.reserveCapacity(members.count)
        for (key, value) in members { object[key] = value?.json ?? .null }
        return .object(object)
    }
}

/// Creates a JSON object like Python's `dict`: `dict(range: [0, total], visible: true)`.
public let dict = DictMaker()
