public import DashJSON

/// Sets a property of any component in the page while the callback runs: `setProps(grid.rowData, rows)`.
///
/// A regular callback's values arrive with its result, those of a background callback as soon as the page asks.
///
/// - Parameters:
///   - property: What is set.
///   - value: The new value.
public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
    ctx.setProps(property, value)
}

/// Sets properties of a component by the names of the browser while the callback runs:
/// `setProps("note", ["value": "done"])`.
///
/// - Parameters:
///   - id: The component.
///   - properties: New values by the names of the browser.
public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
    ctx.setProps(id, properties)
}

extension CallbackContext {
    /// The same as the function ``setProps(_:_:)``, for where the context had to be captured.
    public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
        emit(.setProps([PropertyUpdate(ref: PropertyRef(property), value: property.encoded(value))]))
    }

    /// The same as the function ``setProps(_:_:)``, for where the context had to be captured.
    public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
        emit(
            .setProps(
                properties.map { name, value in
                    PropertyUpdate(ref: PropertyRef(id: id, property: name), value: RawJSON(value))
                }
            )
        )
    }
}
