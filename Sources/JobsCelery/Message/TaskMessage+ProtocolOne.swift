import DashJSON

extension TaskMessage {
    /// Reads a message of protocol 1: no headers, one object as body. Chains did not travel in it.
    init(protocolOne raw: RawTask) throws(CeleryError) {
        let text = try MessageBody.text(of: raw)
        let body = try MessageBody.parse(text)
        guard let fields = body.objectValue else {
            throw .malformed("The message has neither a header task (protocol 2) nor an object as body (protocol 1).")
        }
        guard let name = fields["task"]?.stringValue, !name.isEmpty else {
            throw .malformed("The message names no task: neither a header nor a member of the body.")
        }
        do throws(CeleryError) {
            try self.init(name, fields: fields, raw: raw)
        } catch {
            var error = error
            error.taskID = fields["id"]?.stringValue ?? raw.taskID
            throw error
        }
    }

    private init(_ name: String, fields: JSONObject, raw: RawTask) throws(CeleryError) {
        guard let id = fields["id"]?.stringValue, !id.isEmpty else {
            throw .malformed("The message of task \(name) has no id, or one that is no text.")
        }
        let (arguments, keywords) = (fields["args"] ?? [], fields["kwargs"] ?? [:])
        try MessageBody.check(arguments: arguments, keywords: keywords)
        self.init(task: name, id: id, arguments: RawJSON(json: arguments), keywords: RawJSON(json: keywords))
        try readFields(of: fields)
        try readEmbedded(fields)
        chain = []
        // The group was called task set once.
        group = group ?? fields["taskset"]?.stringValue
        custom = JSONObject(raw.headers.filter { !Self.ownHeaders.contains($0.key) })
        protocolVersion = 1
        readProperties(of: raw)
    }
}
