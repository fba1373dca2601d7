public import DashJSON

/// A click or hover event of a graph: the `clickData` and `hoverData` of a `dcc.Graph`.
///
/// ```swift
/// app.callback(Output(note.children), Input(chart.clickData)) { click in
///     "You clicked \(click?.points.first?.x ?? "nothing")"
/// }
/// ```
public struct GraphEvent: Sendable, Hashable, JSONConvertible {
    /// The whole event, as sent by the browser.
    public var members: JSONObject

    /// The clicked point, or all hovered points.
    public var points: [GraphPoint] { GraphPoint.list(members["points"]) }

    /// The bounds of the first point's mark on the page in pixels: `x0`, `x1`, `y0`, `y1`; null if there are none.
    public var box: JSON { members["points"]?[0]["bbox"] ?? .null }

    /// Decodes an event; throws `JSONError` if it is not an object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Encodes the event.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }
}

/// A point of a graph event.
///
/// The members depend on the type of the trace; `members` has all of them, by Plotly's names.
public struct GraphPoint: Sendable, Hashable, JSONConvertible {
    /// All members, as sent by the browser.
    public var members: JSONObject

    /// The position on the x axis: a number, string or date; null if the trace type has none.
    public var x: JSON { self["x"] }
    /// The position on the y axis.
    public var y: JSON { self["y"] }
    /// The position on the z axis, or the value in a heat map.
    public var z: JSON { self["z"] }
    /// The trace's index, from 0.
    public var curveNumber: Int? { self["curveNumber"].intValue }
    /// The point's index in the trace, from 0; for a matrix see `self["pointNumber"]`, which is a list.
    public var pointNumber: Int? { self["pointNumber"].intValue }
    /// The indices of the points in a histogram's bar, from 0; otherwise empty.
    public var pointNumbers: [Int] { (self["pointNumbers"].arrayValue ?? []).compactMap(\.intValue) }
    /// The trace's `customdata` for the point; null if there is none.
    public var customdata: JSON { self["customdata"] }
    /// The point's text.
    public var text: String? { self["text"].stringValue }
    /// The label of a slice, a bar or a region.
    public var label: JSON { self["label"] }
    /// The value of a slice.
    public var value: JSON { self["value"] }

    /// A member by Plotly's name; null if there is none: `point["hovertext"]`.
    public subscript(name: String) -> JSON { members[name] ?? .null }

    /// Decodes a point; throws `JSONError` if it is not an object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Encodes the point.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }

    static func list(_ json: JSON?) -> [GraphPoint] {
        (json?.arrayValue ?? []).compactMap { try? GraphPoint(json: $0) }
    }
}

/// A selection in a graph by box or lasso: the `selectedData` of a `dcc.Graph`; nil if nothing is selected.
public struct GraphSelection: Sendable, Hashable, JSONConvertible {
    /// The whole selection, as sent by the browser.
    public var members: JSONObject

    /// The selected points.
    public var points: [GraphPoint] { GraphPoint.list(members["points"]) }

    /// The box: the two ends of each axis by the axis' name, as in `selection.range["x"]`; empty for a lasso.
    public var range: [String: [JSON]] { Self.axes(members["range"]) }

    /// The corners of a lasso: the values of each axis by the axis' name; empty for a box.
    public var lassoPoints: [String: [JSON]] { Self.axes(members["lassoPoints"]) }

    /// Decodes a selection; throws `JSONError` if it is not an object.
    public init(json: JSON) throws { members = try JSONObject(json: json) }

    /// Encodes the selection.
    public func encode(to writer: inout JSONWriter) { members.encode(to: &writer) }

    private static func axes(_ json: JSON?) -> [String: [JSON]] {
        let axes = (json?.objectValue ?? [:]).map { ($0.key, $0.value.arrayValue ?? []) }
        return Dictionary(axes, uniquingKeysWith: { $1 })
    }
}

/// The layout changes of a visitor by zooming, panning or drawing: the `relayoutData` of a `dcc.Graph`.
///
/// Names are paths in the layout: `change["xaxis.range[0]"]`, `change["dragmode"]`.
public struct RelayoutData: Sendable, Hashable, JSONConvertible {
    /// The changed values by path, as sent by the browser.
    public var changes: JSONObject

    /// The new range of an axis; nil if it did not change, or is automatic again.
    ///
    /// - Parameter axis: The axis' name in the layout, such as `yaxis2`.
    public func range(of axis: String) -> [JSON]? {
        if let range = changes["\(axis).range"]?.arrayValue { return range }
        guard let low = changes["\(axis).range[0]"], let high = changes["\(axis).range[1]"] else { return nil }
        return [low, high]
    }

    /// Whether the range of an axis is automatic again, as after a double click. (`autosize` alone only means that the
    /// graph was resized.)
    ///
    /// - Parameter axis: The axis' name in the layout, such as `xaxis`.
    public func isAutomatic(_ axis: String) -> Bool {
        changes["\(axis).autorange"]?.boolValue ?? false
    }

    /// The new value at a path of the layout; null if it did not change.
    public subscript(path: String) -> JSON { changes[path] ?? .null }

    /// Decodes changes; throws `JSONError` if they are not an object.
    public init(json: JSON) throws { changes = try JSONObject(json: json) }

    /// Encodes the changes.
    public func encode(to writer: inout JSONWriter) { changes.encode(to: &writer) }
}

/// The trace changes of a visitor, such as a click on the legend: the `restyleData` of a `dcc.Graph`.
public struct RestyleData: Sendable, Hashable, JSONConvertible {
    /// The changed values by path in a trace; each is a list with one value per trace of ``traces``, or one for all.
    public var changes: JSONObject
    /// The traces' indices, from 0.
    public var traces: [Int]

    /// The new value at a path of a trace; null if it did not change: `change.value("visible", ofTrace: 1)`.
    ///
    /// - Parameters:
    ///   - path: The path, such as `visible` or `marker.color`.
    ///   - trace: The trace's index, from 0.
    public func value(_ path: String, ofTrace trace: Int) -> JSON {
        guard let place = traces.firstIndex(of: trace), let values = changes[path] else { return .null }
        guard let list = values.arrayValue else { return values }
        return list.count == 1 ? list[0] : place < list.count ? list[place] : .null
    }

    /// Decodes changes.
    ///
    /// - Throws: `JSONError` if they are not a list of an object and a list of integers.
    public init(json: JSON) throws {
        changes = try JSONObject(json: json[0])
        traces = try [Int](json: json[1])
    }

    /// Encodes the changes.
    public func encode(to writer: inout JSONWriter) {
        JSON.array([.object(changes), .array(traces.map(JSON.int))]).encode(to: &writer)
    }
}
