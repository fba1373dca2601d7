public import DashJSON

/// A click on a graph, or the pointer over it: the `clickData` and `hoverData` of a `dcc.Graph`.
///
/// ```swift
/// app.callback(Output(note.children), Input(chart.clickData)) { click in
///     "You clicked \(click?.points.first?.x ?? "nothing")"
/// }
/// ```
public struct GraphEvent: Sendable, Hashable, JSONConvertible {
    /// All of it, as the browser sent it.
    public var members: JSONObject

    /// The points: the one that was clicked, or all that the pointer marks.
    public var points: [GraphPoint] { GraphPoint.list(members["points"]) }

    /// The edges of the first point's mark on the page, in pixels, under `x0`, `x1`, `y0` and `y1`; null if there is none.
    public var box: JSON { members["points"]?[0]["bbox"] ?? .null }

    /// Reads an event.
    ///
    /// - Throws: `JSONError` if it is no object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Writes the event.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }
}

/// One point of a graph that something happened to.
///
/// What a point has depends on the kind of its trace; `members` has all of it, under Plotly's names.
public struct GraphPoint: Sendable, Hashable, JSONConvertible {
    /// All of it, as the browser sent it.
    public var members: JSONObject

    /// Its place on the x axis: a number, a text, a date; null if its kind of trace has none.
    public var x: JSON { self["x"] }
    /// Its place on the y axis.
    public var y: JSON { self["y"] }
    /// Its place on the z axis, or its value in a heat map.
    public var z: JSON { self["z"] }
    /// The trace, counted from 0.
    public var curveNumber: Int? { self["curveNumber"].intValue }
    /// The point within the trace, counted from 0; for a matrix see `self["pointNumber"]`, which is a list.
    public var pointNumber: Int? { self["pointNumber"].intValue }
    /// The points that make up a bar of a histogram, counted from 0; empty otherwise.
    public var pointNumbers: [Int] { (self["pointNumbers"].arrayValue ?? []).compactMap(\.intValue) }
    /// What the trace's `customdata` says of the point; null if there is none.
    public var customdata: JSON { self["customdata"] }
    /// The point's own text.
    public var text: String? { self["text"].stringValue }
    /// The label of a slice, a bar or a region.
    public var label: JSON { self["label"] }
    /// The value of a slice.
    public var value: JSON { self["value"] }

    /// A member by Plotly's name; null if there is none: `point["hovertext"]`.
    public subscript(name: String) -> JSON { members[name] ?? .null }

    /// Reads a point.
    ///
    /// - Throws: `JSONError` if it is no object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Writes the point.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }

    static func list(_ json: JSON?) -> [GraphPoint] {
        (json?.arrayValue ?? []).compactMap { try? GraphPoint(json: $0) }
    }
}
