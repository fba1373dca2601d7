public import DashJSON

/// A Plotly figure: what a `dcc.Graph` shows.
///
/// ```swift
/// go.Figure(data: [go.Bar(x: ["a", "b"], y: [1, 2])], layout: dict(height: 100, margin: dict(t: 20, b: 40)))
/// ```
public struct Figure: Sendable, Hashable, JSONConvertible {
    /// The traces, drawn in order.
    public var data: [Trace]
    /// The layout: axes, margins, titles, as in Plotly's reference.
    public var layout: JSON
    /// Other members, for example `frames`, as they came or shall go.
    public var others: JSONObject

    /// Makes a figure.
    public init(data: [Trace] = [], layout: JSON = [:], others: JSONObject = [:]) {
        self.data = data
        self.layout = layout
        self.others = others
    }

    /// Reads a figure, as the browser gives it; a missing part is empty.
    ///
    /// - Throws: `JSONError` if it is no object, or its data no array of objects.
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

/// Makes traces of one type: `go.Bar(x: [1, 2, 3], name: "a")`.
///
/// Takes any number of named values of any encodable types; the names are those of Plotly's reference. nil leaves the
/// member out.
@dynamicCallable
public struct TraceMaker: Sendable {
    /// Plotly's name of the type, for example `bar`.
    public let type: String

    /// Makes a maker for a type that `go` does not have.
    public init(type: String) {
        self.type = type
    }

    /// Makes a trace; call the maker itself instead: `go.Bar(y: [1])`.
    public func dynamicallyCall(
        withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>
    ) -> Trace {
        var object: JSONObject = ["type": .string(type)]
        object.reserveCapacity(members.count + 1)
        for (key, value) in members { object[key] = value?.json }
        return Trace(object)
    }
}

/// Makes a JSON object as Python's `dict` does: `dict(t: 20, b: 40)`.
///
/// Takes any number of named values of any encodable types, variables too, which a JSON literal does not; nil becomes
/// `null`. Members keep the order written.
@dynamicCallable
public struct DictMaker: Sendable {
    /// Makes the object; call the maker itself instead: `dict(t: 20)`.
    public func dynamicallyCall(
        withKeywordArguments members: KeyValuePairs<String, (any JSONEncodable)?>
    ) -> JSON {
        .object(JSONObject(named: members))
    }
}

/// Makes a JSON object as Python's `dict` does: `dict(range: [0, total], visible: true)`.
public let dict = DictMaker()

extension JSONObject {
    /// Makes an object of named values; of two of one name the last wins.
    init(named members: KeyValuePairs<String, (any JSONEncodable)?>) {
        self.init()
        reserveCapacity(members.count)
        for (key, value) in members { self[key] = value?.json ?? .null }
    }
}
