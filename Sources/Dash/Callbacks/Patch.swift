public import DashJSON

/// Changes to a property, sent in place of its whole value.
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
/// Places are named by `[key]`, by `[index]`, a negative one counting from the end, or as members. The browser applies the
/// changes in order to the value that it has; it must have one. A place is never read here, so that a patch costs what it
/// changes and not what the property is.
@dynamicMemberLookup
public struct Patch: Sendable, Hashable {
    /// A change of one place.
    struct Operation: Sendable, Hashable {
        /// The browser's name of it.
        var name: String
        var location: [JSON]
        var parameters: JSONObject
    }

    private var location: [JSON] = []
    private(set) var operations: [Operation] = []

    /// No changes yet: the property stays as it is, and counts as updated.
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

    /// A member of an object, to be set: `patch["title"] = "New"`. It cannot be read.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(key: String) -> Value {
        @available(*, unavailable, message: "a patch does not know the value that it changes")
        get { preconditionFailure("A patch does not know the value that it changes.") }
        set { operations += place(.string(key)).assigning(newValue) }
    }

    /// An element of a list, to be set: `patch["y"][-1] = 7`. It cannot be read.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(index: Int) -> Value {
        @available(*, unavailable, message: "a patch does not know the value that it changes")
        get { preconditionFailure("A patch does not know the value that it changes.") }
        set { operations += place(.int(index)).assigning(newValue) }
    }

    /// A member of an object, to be set: `patch.title = "New"`. It cannot be read.
    @_disfavoredOverload
    public subscript<Value: JSONEncodable>(dynamicMember key: String) -> Value {
        @available(*, unavailable, message: "a patch does not know the value that it changes")
        get { preconditionFailure("A patch does not know the value that it changes.") }
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
    /// Writes what the browser takes for a patch.
    public func encode(to writer: inout JSONWriter) {
        writer.object { object in
            object.member(PatchMark.name, PatchMark.name)
            object.member("operations", JSON.array(operations.map(\.json)))
        }
    }

    /// Reads what ``encode(to:)`` writes.
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
