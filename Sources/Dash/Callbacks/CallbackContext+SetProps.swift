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

/// Changes a property of any component in part while the callback runs: `setProps(chart.figure, patch)`.
///
/// - Parameters:
///   - property: What is changed.
///   - patch: The changes.
public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
    ctx.setProps(property, patch)
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
    /// The same as the function ``/Dash/setProps(_:_:)-(_,Value)``, for where the context had to be captured.
    public func setProps<Value>(_ property: Prop<Value>, _ value: Value) {
        let update = PropertyUpdate(ref: PropertyRef(property), value: property.encoded(value))
        emit(.setProps(property.isList ? listed(update) : placed([update])))
    }

    /// The same as the function ``/Dash/setProps(_:_:)-(ComponentID,_)``, for where the context had to be captured.
    public func setProps(_ id: ComponentID, _ properties: KeyValuePairs<String, any JSONEncodable>) {
        emit(
            .setProps(
                placed(
                    properties.map { name, value in
                        PropertyUpdate(ref: PropertyRef(id: id, property: name), value: RawJSON(value))
                    }
                )
            )
        )
    }

    /// The same as the function ``/Dash/setProps(_:_:)-(_,Patch)``, for where the context had to be captured.
    public func setProps<Value>(_ property: Prop<Value>, _ patch: Patch) {
        emit(.setProps(placed([PropertyUpdate(ref: PropertyRef(property), value: RawJSON(patch))])))
    }
}
