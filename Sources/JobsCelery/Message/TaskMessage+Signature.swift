import DashJSON

extension TaskMessage {
    /// The task that a plain signature stands for.
    ///
    /// - Parameters:
    ///   - signature: Whose options tell how to send it; one of Celery's own types (group, chain, chord) is not plain.
    ///   - prefix: What is put in front of the arguments, unless the signature is immutable: the result before it.
    ///   - id: The id, if the signature has none.
    ///   - now: The present time in milliseconds since 1970, for countdowns.
    init(_ signature: Signature, prefix: [RawJSON] = [], id: String, now: Int64) throws(CeleryError) {
        let options = signature.options
        self.init(
            task: signature.task,
            id: signature.taskID ?? id,
            arguments: signature.arguments(behind: prefix),
            keywords: RawJSON(signature.keywords)
        )
        callbacks = try Signature.list(options["link"], "link")
        errbacks = try Signature.list(options["link_error"], "link_error")
        chain = try Signature.list(options["chain"], "chain")
        if let body = options["chord"], !body.isNull { chord = try Signature(body, "chord") }
        try readOptions(options, now: now)
    }

    private mutating func readOptions(_ options: JSONObject, now: Int64) throws(CeleryError) {
        shadow = options["shadow"]?.stringValue
        group = options["group_id"]?.stringValue
        groupIndex = options["group_index"]?.intValue
        retries = options["retries"]?.intValue ?? 0
        hardTimeLimit = options["time_limit"]?.doubleValue
        softTimeLimit = options["soft_time_limit"]?.doubleValue
        rootID = options["root_id"]?.stringValue
        parentID = options["parent_id"]?.stringValue
        ignoresResult = options["ignore_result"]?.boolValue
        replacedTaskNesting = options["replaced_task_nesting"]?.intValue ?? 0
        replyTo = options["reply_to"]?.stringValue
        priority = options["priority"]?.intValue ?? 0
        custom = options["headers"]?.objectValue ?? JSONObject()
        readStamps(options)
        eta = try Self.moment(options["countdown"], now: now)
        if eta == nil { eta = try Self.moment(options["eta"], now: now) }
        expires = try Self.moment(options["expires"], now: now)
    }

    /// Stamps stand among the options by their own names.
    private mutating func readStamps(_ options: JSONObject) {
        stampedHeaders = options["stamped_headers"]?.arrayValue?.compactMap(\.stringValue)
        for name in stampedHeaders ?? [] { stamps[name] = options[name] ?? .null }
    }

    /// A number of seconds from now, or a time, as text or typed.
    private static func moment(_ value: JSON?, now: Int64) throws(CeleryError) -> Int64? {
        guard let value, !value.isNull else { return nil }
        if let seconds = value.doubleValue {
            guard abs(seconds) < 1e12 else { throw .malformed("\(value.excerpt) seconds are too many.") }
            // A countdown of 0 is none.
            return seconds == 0 ? nil : now + Int64((seconds * 1000).rounded())
        }
        guard let text = TypedJSON.plain(value).stringValue, let time = ISO8601.milliseconds(text) else {
            throw .malformed("\(value.excerpt) in the options of a signature is no time.")
        }
        return time
    }
}

extension Signature {
    /// The positional arguments behind others; those others are left out if the signature is immutable.
    func arguments(behind prefix: [RawJSON]) -> RawJSON {
        guard !isImmutable, !prefix.isEmpty else { return RawJSON(json: .array(arguments)) }
        var writer = JSONWriter(capacity: prefix.reduce(256) { $0 + $1.bytes.count })
        writer.array(of: prefix + arguments.map { RawJSON(json: $0) })
        return RawJSON(unchecked: writer.bytes)
    }
}
