import DashJSON

extension TaskMessage {
    /// The message for a queue, in protocol 2, with the headers in Python's order.
    func raw(queue: String) -> RawTask {
        var raw = RawTask()
        raw.headers = headers
        raw.body = body
        raw.routingKey = queue
        raw.priority = priority
        raw.correlationID = id
        raw.replyTo = replyTo
        return raw
    }

    private var headers: JSONObject {
        var headers = JSONObject()
        headers.reserveCapacity(19 + custom.count)
        headers.append("lang", "swift")
        headers.append("task", .string(task))
        headers.append("id", .string(id))
        headers.append("shadow", .text(shadow))
        headers.append("eta", .text(eta.map { ISO8601.text($0) }))
        headers.append("expires", .text(expires.map { ISO8601.text($0) }))
        headers.append("group", .text(group))
        headers.append("group_index", groupIndex.map { .int($0) } ?? .null)
        headers.append("retries", .int(retries))
        headers.append("timelimit", .array([.seconds(hardTimeLimit), .seconds(softTimeLimit)]))
        headers.append("root_id", .string(treeID))
        headers.append("parent_id", .text(parentID))
        appendDisplay(to: &headers)
        headers.append("ignore_result", ignoresResult.map { .bool($0) } ?? .null)
        headers.append("replaced_task_nesting", .int(replacedTaskNesting))
        headers.append("stamped_headers", stampedHeaders.map { .array($0.map { .string($0) }) } ?? .null)
        headers.append("stamps", .object(stamps))
        for (name, value) in custom where headers[name] == nil { headers.append(name, value) }
        return headers
    }

    private func appendDisplay(to headers: inout JSONObject) {
        headers.append("argsrepr", .string(argumentsRepr ?? PythonRepr.ofArguments(arguments)))
        headers.append("kwargsrepr", .string(keywordsRepr ?? PythonRepr.of(keywords)))
        headers.append("origin", .string(origin ?? TaskOrigin.ofThisProcess))
    }

    private var body: [UInt8] {
        var writer = JSONWriter(capacity: arguments.bytes.count + keywords.bytes.count + 256)
        writer.byte(UInt8(ascii: "["))
        arguments.encode(to: &writer)
        writer.byte(UInt8(ascii: ","))
        keywords.encode(to: &writer)
        writer.byte(UInt8(ascii: ","))
        writer.object { embedded in
            embedded.member("callbacks", Signature.json(callbacks))
            embedded.member("errbacks", Signature.json(errbacks))
            embedded.member("chain", Signature.json(chain))
            embedded.member("chord", chord?.json ?? .null)
        }
        writer.byte(UInt8(ascii: "]"))
        return writer.bytes
    }
}

extension JSON {
    /// A text, or null.
    static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    /// Seconds, whole ones as an integer, or null.
    static func seconds(_ seconds: Double?) -> JSON {
        guard let seconds else { return .null }
        return Int(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }
}
