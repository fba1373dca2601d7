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

/// What is selected in a graph by box or lasso: the `selectedData` of a `dcc.Graph`; nil when nothing is.
public struct GraphSelection: Sendable, Hashable, JSONConvertible {
    /// All of it, as the browser sent it.
    public var members: JSONObject

    /// The selected points.
    public var points: [GraphPoint] { GraphPoint.list(members["points"]) }

    /// The box of a selection by box, the two ends of each axis by the axis' name: `selection.range["x"]`; empty for a
    /// lasso.
    public var range: [String: [JSON]] { Self.axes(members["range"]) }

    /// The corners of a lasso, the values of each axis by the axis' name; empty for a box.
    public var lassoPoints: [String: [JSON]] { Self.axes(members["lassoPoints"]) }

    /// Reads a selection.
    ///
    /// - Throws: `JSONError` if it is no object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Writes the selection.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }

    private static func axes(_ json: JSON?) -> [String: [JSON]] {
        let axes = (json?.objectValue ?? [:]).map { ($0.key, $0.value.arrayValue ?? []) }
        return Dictionary(axes, uniquingKeysWith: { $1 })
    }
}

/// What a visitor changed in a graph's layout by zooming, panning or drawing: the `relayoutData` of a `dcc.Graph`.
///
/// Names are paths into the layout: `change["xaxis.range[0]"]`, `change["dragmode"]`.
public struct RelayoutData: Sendable, Hashable, JSONConvertible {
    /// The changed values by their paths, as the browser sent them.
    public var changes: JSONObject

    /// The new range of an axis; nil if it was not changed, or is chosen by Plotly again.
    ///
    /// - Parameter axis: The axis' name in the layout, such as `yaxis2`.
    public func range(of axis: String) -> [JSON]? {
        if let range = changes["\(axis).range"]?.arrayValue { return range }
        guard let low = changes["\(axis).range[0]"], let high = changes["\(axis).range[1]"] else { return nil }
        return [low, high]
    }

    /// Whether Plotly chooses the range of an axis again, as after a double click. (`autosize` alone tells no more than that
    /// the graph was fitted into its place.)
    ///
    /// - Parameter axis: The axis' name in the layout, such as `xaxis`.
    public func isAutomatic(_ axis: String) -> Bool {
        changes["\(axis).autorange"]?.boolValue ?? false
    }

    /// The new value at a path of the layout; null if it was not changed.
    public subscript(path: String) -> JSON { changes[path] ?? .null }

    /// Reads changes.
    ///
    /// - Throws: `JSONError` if they are no object.
    public init(json: JSON) throws { changes = try JSONObject(json: json) }

    /// Writes the changes.
    public func encode(to writer: inout JSONWriter) { changes.encode(to: &writer) }
}

/// What a visitor changed in a graph's traces, as by a click on the legend: the `restyleData` of a `dcc.Graph`.
public struct RestyleData: Sendable, Hashable, JSONConvertible {
    /// The changed values by their paths in a trace; each is a list with one value for each of ``traces``, or with one
    /// for all.
    public var changes: JSONObject
    /// The traces, counted from 0.
    public var traces: [Int]

    /// The new value at a path of a trace; null if it was not changed: `change.value("visible", ofTrace: 1)`.
    ///
    /// - Parameters:
    ///   - path: The path, such as `visible` or `marker.color`.
    ///   - trace: The trace, counted from 0.
    public func value(_ path: String, ofTrace trace: Int) -> JSON {
        guard let place = traces.firstIndex(of: trace), let values = changes[path] else { return .null }
        guard let list = values.arrayValue else { return values }
        return list.count == 1 ? list[0] : place < list.count ? list[place] : .null
    }

    /// Reads changes.
    ///
    /// - Throws: `JSONError` if they are no list of an object and a list of whole numbers.
    public init(json: JSON) throws {
        changes = try JSONObject(json: json[0])
        traces = try [Int](json: json[1])
    }

    /// Writes the changes.
    public func encode(to writer: inout JSONWriter) {
        JSON.array([.object(changes), .array(traces.map(JSON.int))]).encode(to: &writer)
    }
}
