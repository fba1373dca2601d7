import DashJSON

/// A new value for a property, on its way to the browser.
struct PropertyUpdate: Sendable, Hashable {
    var ref: PropertyRef
    var value: RawJSON
}

/// A new value for one of a callback's outputs, by the output's position; an output that was skipped has none.
///
/// Results are kept by position, for the ids of a pattern differ from one request to the next.
struct OutputUpdate: Sendable, Hashable {
    var index: Int
    var value: RawJSON
}
