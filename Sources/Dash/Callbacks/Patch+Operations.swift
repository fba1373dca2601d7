public import DashJSON

/// The changes of a place.
extension Patch {
    /// Sets the place to a value: `patch.marker.assign(["color": "red", "size": 3])`.
    public mutating func assign(_ value: JSON) { change("Assign", ["value": value]) }

    /// Sets the place to a value.
    @_disfavoredOverload
    public mutating func assign(_ value: some JSONEncodable) { change("Assign", ["value": value.json]) }

    /// Takes the member or the element away.
    public mutating func delete() { change("Delete") }

    /// Adds an element at the end of the list.
    public mutating func append(_ value: some JSONEncodable) { change("Append", ["value": value.json]) }

    /// Adds an element at the beginning of the list.
    public mutating func prepend(_ value: some JSONEncodable) { change("Prepend", ["value": value.json]) }

    /// Puts an element before the one at an index of the list; a negative index counts from the end.
    public mutating func insert(_ value: some JSONEncodable, at index: Int) {
        change("Insert", ["value": value.json, "index": .int(index)])
    }

    /// Adds elements at the end of the list.
    public mutating func extend(_ values: [some JSONEncodable]) {
        change("Extend", ["value": .array(values.map(\.json))])
    }

    /// Takes every element of the list away that is equal to a value.
    public mutating func remove(_ value: some JSONEncodable) { change("Remove", ["value": value.json]) }

    /// Makes the list or the object empty.
    public mutating func clear() { change("Clear") }

    /// Reverses the list.
    public mutating func reverse() { change("Reverse") }

    /// Sets members of the object, and leaves the others.
    public mutating func merge(_ members: JSONObject) { change("Merge", ["value": .object(members)]) }

    /// Adds to the number.
    public static func += (place: inout Patch, number: Double) { place.change("Add", ["value": .double(number)]) }

    /// Adds to the number.
    public static func += (place: inout Patch, number: Int) { place.change("Add", ["value": .int(number)]) }

    /// Adds elements at the end of the list.
    public static func += (place: inout Patch, values: [some JSONEncodable]) { place.extend(values) }

    /// Subtracts from the number.
    public static func -= (place: inout Patch, number: Double) { place.change("Sub", ["value": .double(number)]) }

    /// Subtracts from the number.
    public static func -= (place: inout Patch, number: Int) { place.change("Sub", ["value": .int(number)]) }

    /// Multiplies the number.
    public static func *= (place: inout Patch, number: Double) { place.change("Mul", ["value": .double(number)]) }

    /// Multiplies the number.
    public static func *= (place: inout Patch, number: Int) { place.change("Mul", ["value": .int(number)]) }

    /// Divides the number, as the browser does: 5 / 2 is 2.5.
    public static func /= (place: inout Patch, number: Double) { place.change("Div", ["value": .double(number)]) }

    /// Divides the number, as the browser does: 5 / 2 is 2.5.
    public static func /= (place: inout Patch, number: Int) { place.change("Div", ["value": .int(number)]) }
}
