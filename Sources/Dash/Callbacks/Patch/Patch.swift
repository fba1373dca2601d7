public import DashJSON

/// Changes to a property, sent instead of its whole value.
///
/// ```swift
/// app.callback(Output(chart.figure).patched, Input(run.nClicks)) { clicks in
///     var patch = Patch()
///     patch.layout.title.text = "New"
///     patch["data"][0]["y"].append(7)
///     patch["layout"]["height"] += 10
///     return patch
/// }
/// ```
///
/// Locations are written as `[key]`, as `[index]` (negative indices count from the end), or as members. The browser
/// applies the changes in order to its current value, which must exist. A patch never reads the value, so its cost
/// depends on the changes and not on the property's size.
@dynamicMemberLookup
public struct Patch: Sendable, Hashable {
    /// A change at one location.
    struct Operation: Sendable, Hashable {
        /// The operation's name in the browser.
        var name: String
        var location: [JSON]
        var parameters: JSONObject
    }

    private var location: [JSON] = []
    private(set) var operations: [Operation] = []

    /// Creates a patch without changes. Returning it counts as an update of the property.
    public init() {}

    init(operations: [Operation]) { self.operations = operations }

    /// A member of an object.
    public subscript(key: String) -> Patch {
        get { place(.string(key)) }
        set { operations += newValue.operations }
    }

    /// An element of a list; a negative index counts from the end.
    public subscript(index: Int) -> Patch {
        get { place(.int(index)) }
        set { operations += newValue.operations }
    }

    /// A member of an object.
    public subscript(dynamicMember key: String) -> Patch {
        get { self[key] }
        set { self[key] = newValue }
    }

    /// Sets a member of an object: `patch["title"] = "New"`. Write-only.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(key: String) -> Value {
        @available(*, unavailable, message: "a patch is write-only")
        get { preconditionFailure("A patch is write-only.") }
        set { operations += place(.string(key)).assigning(newValue) }
    }

    /// Sets an element of a list: `patch["y"][-1] = 7`. Write-only.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(index: Int) -> Value {
        @available(*, unavailable, message: "a patch is write-only")
        get { preconditionFailure("A patch is write-only.") }
        set { operations += place(.int(index)).assigning(newValue) }
    }

    /// Sets a member of an object: `patch.title = "New"`. Write-only.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(dynamicMember key: String) -> Value {
        @available(*, unavailable, message: "a patch is write-only")
        get { preconditionFailure("A patch is write-only.") }
        set { operations += place(.string(key)).assigning(newValue) }
    }

    private func place(_ step: JSON) -> Patch {
        var place = Patch()
        place.location = location + [step]
        return place
    }

    private func assigning(_ value: some JSONEncodable) -> [Operation] {
        [Operation(name: "Assign", location: location, parameters: ["value": value.json])]
    }

    mutating func change(_ name: String, _ parameters: JSONObject = [:]) {
        operations.append(Operation(name: name, location: location, parameters: parameters))
    }
}

extension Patch: JSONConvertible {
    /// Writes the browser's form of a patch.
    public func encode(to writer: inout JSONWriter) {
        writer.object { object in
            object.member(PatchMark.name, PatchMark.name)
            object.member("operations", JSON.array(operations.map(\.json)))
        }
    }

    /// Decodes what ``encode(to:)`` writes.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for anything else.
    public init(json: JSON) throws {
        guard json[PatchMark.name].stringValue == PatchMark.name, let operations = json["operations"].arrayValue else {
            throw DashError.typeMismatch(Patch.self, json)
        }
        self.init(operations: try operations.map(Operation.init))
    }
}

extension Patch.Operation {
    fileprivate var json: JSON {
        ["operation": .string(name), "location": .array(location), "params": .object(parameters)]
    }

    fileprivate init(_ json: JSON) throws {
        guard let name = json["operation"].stringValue, let location = json["location"].arrayValue,
            let parameters = json["params"].objectValue
        else { throw DashError.typeMismatch(Patch.self, json) }
        self.init(name: name, location: location, parameters: parameters)
    }
}

extension Patch {
    /// Sets the value: `patch.marker.assign(["color": "red", "size": 3])`.
    public mutating func assign(_ value: JSON) { change("Assign", ["value": value]) }

    /// Sets the value.
    @_disfavoredOverload
    public mutating func assign(_ value: some JSONEncodable) { change("Assign", ["value": value.json]) }

    /// Removes the member or element.
    public mutating func delete() { change("Delete") }

    /// Appends an element to the list.
    public mutating func append(_ value: some JSONEncodable) { change("Append", ["value": value.json]) }

    /// Inserts an element at the beginning of the list.
    public mutating func prepend(_ value: some JSONEncodable) { change("Prepend", ["value": value.json]) }

    /// Inserts an element before the one at an index of the list; a negative index counts from the end.
    public mutating func insert(_ value: some JSONEncodable, at index: Int) {
        change("Insert", ["value": value.json, "index": .int(index)])
    }

    /// Appends elements to the list.
    public mutating func extend(_ values: [some JSONEncodable]) {
        change("Extend", ["value": .array(values.map(\.json))])
    }

    /// Removes every element of the list that equals a value.
    public mutating func remove(_ value: some JSONEncodable) { change("Remove", ["value": value.json]) }

    /// Empties the list or object.
    public mutating func clear() { change("Clear") }

    /// Reverses the list.
    public mutating func reverse() { change("Reverse") }

    /// Sets members of the object and keeps the others.
    public mutating func merge(_ members: JSONObject) { change("Merge", ["value": .object(members)]) }

    /// Adds to the number.
    public static func += (place: inout Patch, number: Double) { place.change("Add", ["value": .double(number)]) }

    /// Adds to the number.
    public static func += (place: inout Patch, number: Int) { place.change("Add", ["value": .int(number)]) }

    /// Appends elements to the list.
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

// MARK: - Applying

extension Patch {
    /// Returns the value with this patch applied, as the browser does.
    ///
    /// A change at a missing location, or on a value of another kind, has no effect.
    public func applied(to value: JSON) -> JSON {
        operations.reduce(value) { $1.applied(to: $0, at: $1.location[...]) }
    }
}

extension Patch.Operation {
    /// Applies the change at a path below the value.
    fileprivate func applied(to value: JSON, at path: ArraySlice<JSON>) -> JSON {
        guard let step = path.first else { return changed(value) }
        if path.count == 1, name == "Delete" || name == "Assign" { return changed(value, member: step) }
        var result = value
        switch (value, step) {
        case (.object(let object), .string(let key)):
            guard let member = object[key] else { return value }
            result[key] = applied(to: member, at: path.dropFirst())
        case (.array(var items), .int(let index)):
            guard let place = Self.place(index, in: items) else { return value }
            items[place] = applied(to: items[place], at: path.dropFirst())
            result = .array(items)
        default: return value
        }
        return result
    }

    /// Sets or removes a member of an object or list.
    private func changed(_ value: JSON, member: JSON) -> JSON {
        switch (value, member) {
        case (.object(var object), .string(let key)):
            object[key] = name == "Delete" ? JSON?.none : parameter
            return .object(object)
        case (.array(var items), .int(let index)):
            guard let place = Self.place(index, in: items) else { return value }
            if name == "Delete" { items.remove(at: place) } else { items[place] = parameter }
            return .array(items)
        default: return value
        }
    }

    /// Applies the change to the value itself.
    private func changed(_ value: JSON) -> JSON {
        switch value {
        case .array(let items): list(items).map(JSON.array) ?? value
        case .object(var object): merged(&object) ? .object(object) : value
        default: name == "Assign" ? parameter : number(value) ?? value
        }
    }

    private func list(_ items: [JSON]) -> [JSON]? {
        switch name {
        case "Assign": return nil
        case "Append": return items + [parameter]
        case "Prepend": return [parameter] + items
        case "Extend": return items + (parameter.arrayValue ?? [])
        case "Remove": return items.filter { $0 != parameter }
        case "Clear": return []
        case "Reverse": return items.reversed()
        case "Insert":
            let index = parameters["index"]?.intValue ?? 0
            let place = min(max(index < 0 ? items.count + index : index, 0), items.count)
            return items[..<place] + [parameter] + items[place...]
        default: return nil
        }
    }

    private func merged(_ object: inout JSONObject) -> Bool {
        switch name {
        case "Merge": for (key, value) in parameter.objectValue ?? [:] { object[key] = value }
        case "Clear": object = JSONObject()
        default: return false
        }
        return true
    }

    private func number(_ value: JSON) -> JSON? {
        guard let left = value.doubleValue, let right = parameter.doubleValue else { return nil }
        switch name {
        case "Add": return .double(left + right)
        case "Sub": return .double(left - right)
        case "Mul": return .double(left * right)
        case "Div": return .double(left / right)
        default: return nil
        }
    }

    private var parameter: JSON { parameters["value"] ?? .null }

    private static func place(_ index: Int, in items: [JSON]) -> Int? {
        let place = index < 0 ? items.count + index : index
        return items.indices.contains(place) ? place : nil
    }
}

extension Patch {
    /// Combines a value with an earlier one of the same property: a patch is applied or appended to it, anything else
    /// replaces it.
    static func combined(_ value: RawJSON, after earlier: RawJSON) -> RawJSON {
        guard value.isPatch, let patch = try? Patch(json: value.json) else { return value }
        guard earlier.isPatch, let first = try? Patch(json: earlier.json) else {
            return RawJSON(json: patch.applied(to: earlier.json))
        }
        return RawJSON(Patch(operations: first.operations + patch.operations))
    }
}
