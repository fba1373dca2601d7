public import DashJSON

extension Patch {
    /// What the browser makes of a value by this patch.
    ///
    /// A change whose place is not there, or is of another kind, leaves the value as it is.
    public func applied(to value: JSON) -> JSON {
        operations.reduce(value) { $1.applied(to: $0, at: $1.location[...]) }
    }
}

extension Patch.Operation {
    /// The value with the change at a place below it.
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

    /// The object or list with a member set or taken away.
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

    /// The value itself changed.
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

extension RawJSON {
    /// This value after another of the same property: a patch is added to it, anything else takes its place.
    func patching(_ other: RawJSON) -> RawJSON {
        guard isPatch, let patch = try? Patch(json: json) else { return self }
        guard other.isPatch, let first = try? Patch(json: other.json) else {
            return RawJSON(json: patch.applied(to: other.json))
        }
        return RawJSON(Patch(operations: first.operations + patch.operations))
    }
}
