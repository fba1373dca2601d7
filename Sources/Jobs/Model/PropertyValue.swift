public import DashJSON

/// A value for one property of one component, as a job sends it to the page. Its JSON form is `[id, property, value]`.
public struct PropertyValue: Sendable, Hashable {
    /// The component's id as text: `a`, or the JSON text of a pattern id such as `{"index":1,"type":"x"}`.
    public var id: String
    /// The property's name in the browser, for example `children`.
    public var property: String
    /// The value, encoded. An object that starts with the member `__dash_patch_update` is a change to the present value
    /// and not a value.
    public var value: RawJSON

    /// Makes a value for a property.
    public init(id: String, property: String, value: RawJSON) {
        self.id = id
        self.property = property
        self.value = value
    }
}
