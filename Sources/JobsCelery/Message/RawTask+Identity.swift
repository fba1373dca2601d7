import DashJSON

extension RawTask {
    /// The task's id by the header or, where that is missing, by the correlation id, which Celery sets to the same;
    /// known also of messages that cannot be read, so that their failure can be told.
    var taskID: String? {
        if let id = headers["id"]?.stringValue, !id.isEmpty { return id }
        if let id = correlationID, !id.isEmpty { return id }
        return nil
    }

    /// The task's name by the header; nil for protocol 1, which has it in the body.
    var taskName: String? {
        guard let name = headers["task"]?.stringValue, !name.isEmpty else { return nil }
        return name
    }
}
