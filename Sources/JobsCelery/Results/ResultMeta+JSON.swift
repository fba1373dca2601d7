import DashJSON

extension ResultMeta: JSONEncodable {
    /// Writes the members in Python's order.
    func encode(to writer: inout JSONWriter) {
        writer.object { members in
            members.member("status", status.rawValue)
            members.member("result", result)
            members.member("traceback", JSON.text(traceback))
            members.member("children", children)
            members.member("date_done", JSON.text(dateDone))
            members.member("group_id", ifPresent: groupID)
            members.member("parent_id", ifPresent: parentID)
            for (name, value) in extended where !Self.ownMembers.contains(name) { members.member(name, value) }
            // Readers that wait hang without it.
            members.member("task_id", taskID)
        }
    }

    /// Reads a stored or published meta; the value's text is cut out, not parsed.
    ///
    /// - Parameter taskID: Stands in for a missing `task_id`, which is known where the meta was read by its key.
    /// - Throws: `CeleryError.malformed` if it is no meta.
    init(reading text: [UInt8], taskID: String? = nil) throws(CeleryError) {
        guard let members = try Self.members(of: PythonJSON.strict(text)) else {
            throw .malformed("A task's result is no object.")
        }
        func value(_ name: String) -> JSON {
            members[name].flatMap { try? JSON(parsing: Array($0)) } ?? .null
        }
        guard let status = value("status").stringValue, let id = value("task_id").stringValue ?? taskID else {
            throw .malformed("A task's result has no status or no task_id.")
        }
        self.init(taskID: id, status: TaskState(rawValue: status))
        result = members["result"].map { RawJSON(unchecked: Array($0)) } ?? .null
        traceback = value("traceback").stringValue
        children = value("children")
        dateDone = value("date_done").stringValue
        groupID = value("group_id").stringValue
        parentID = value("parent_id").stringValue
        for name in members.keys.sorted() where !Self.ownMembers.contains(name) { extended[name] = value(name) }
    }

    private static func members(of text: [UInt8]) throws(CeleryError) -> [String: ArraySlice<UInt8>]? {
        do {
            return try JSONScanner.membersByName(of: text[...])
        } catch {
            throw .malformed(
                "A task's result is no JSON. Results are read as JSON: set result_serializer = 'json'.",
                cause: error
            )
        }
    }

    private static let ownMembers: Set<String> = [
        "status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id",
    ]
}
