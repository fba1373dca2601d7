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
