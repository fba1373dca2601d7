public import DashJSON

/// A property that has one value while a callback runs, and another when it does not:
/// `.set(run.disabled, to: true, finally: false)`.
public struct Running: Sendable {
    let ref: PropertyRef
    let on: RawJSON
    let off: RawJSON
    /// True if a list of values was given, one for each component; the browser takes one for all.
    var isList = false

    /// Sets a property while the callback runs.
    ///
    /// - Parameters:
    ///   - property: What is set.
    ///   - on: The value from the moment the callback starts.
    ///   - off: The value from the moment it ends, however it ends.
    public static func set<Value>(_ property: Prop<Value>, to on: Value, finally off: Value) -> Running {
        Running(
            ref: PropertyRef(property),
            on: property.encoded(on),
            off: property.encoded(off),
            isList: property.isList
        )
    }

    /// Sets a property, by the names of the browser, while the callback runs.
    ///
    /// - Parameters:
    ///   - id: The component.
    ///   - property: The property's name in the browser.
    ///   - on: The value from the moment the callback starts.
    ///   - off: The value from the moment it ends, however it ends.
    public static func set<Value: JSONEncodable>(
        _ id: ComponentID,
        _ property: String,
        to on: Value,
        finally off: Value
    ) -> Running {
        Running(ref: PropertyRef(id: id, property: property), on: RawJSON(on), off: RawJSON(off))
    }
}
