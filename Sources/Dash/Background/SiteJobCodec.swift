import DashJSON
import Jobs

/// Translates between the payloads of a site's jobs and what other programs send and see: a task's arguments are the values
/// of the callback's inputs and states, its result the value of the output, or a list of them.
struct SiteJobCodec: JobCodec {
    let site: DashSite

    /// The values of the inputs and states, one for each; and the rest of the payload, without these values.
    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON) {
        try JobPayload(decoding: payload).parts
    }

    /// The payload of a job of ours; for a call by another program, one without a page.
    func payload(of job: String, arguments: RawJSON, keywords: RawJSON, extra: RawJSON?) throws -> [UInt8] {
        let values = try Self.list(arguments, "The positional arguments")
        if let extra { return try JobPayload(arguments: values, extra: extra).bytes }
        let call = ForeignCall(job: job, slots: try callback(of: job).slots)
        return try call.payload(values, keywords: Self.object(keywords)).bytes
    }

    /// One output's value, a list for several, null for none and for one that was not to change.
    func value(ofResult result: [UInt8], of job: String) throws -> RawJSON {
        let count = try callback(of: job).outputs.count
        guard case .updates(let updates) = try CallbackOutcome(decoding: RawJSON(unchecked: result)), count > 0 else {
            return .null
        }
        let values = Dictionary(updates.map { ($0.index, $0.value) }, uniquingKeysWith: { $1 })
        if count == 1 { return values[0] ?? .null }
        return RawJSON((0..<count).map { values[$0] ?? .null })
    }

    /// The value of the one output, or those of several, by their position.
    func result(ofValue value: RawJSON, of job: String) throws -> [UInt8] {
        let outputs = try callback(of: job).outputs
        if outputs.count == 1 { return CallbackOutcome.updates([OutputUpdate(index: 0, value: value)]).encoded.bytes }
        if outputs.isEmpty { return CallbackOutcome.updates([]).encoded.bytes }
        guard let values = value.json.arrayValue, values.count == outputs.count else {
            throw DashError(
                .typeMismatch,
                "The task's result has to be a list of \(outputs.count) values, one for each output "
                    + "(\(outputs.map(\.ref.text).joined(separator: ", "))); it is \(value.json.excerpt)"
            )
        }
        let updates = values.enumerated().map { OutputUpdate(index: $0.offset, value: RawJSON(json: $0.element)) }
        return CallbackOutcome.updates(updates).encoded.bytes
    }

    /// A list by position, an object by the names of what counts; the whole of it where there is one property.
    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] {
        guard let refs = try? callback(of: job).background?.progress, let first = refs.first else { return [] }
        if refs.count == 1 { return [first.value(meta)] }
        let json = meta.json
        if let values = json.arrayValue {
            return zip(refs, values).map { ref, value in ref.value(RawJSON(json: value)) }
        }
        let names = [["current", "done", "value"], ["total", "max"]]
        return refs.enumerated().compactMap { position, ref in
            let known = [ref.text] + (position < names.count ? names[position] : [])
            return known.lazy.map { json[$0] }.first { !$0.isNull }.map { ref.value(RawJSON(json: $0)) }
        }
    }

    private func callback(of job: String) throws -> Callback {
        guard let callback = site.backgroundCallback(ofJob: job) else {
            throw DashError(.invalidRequest, "This program has no background callback for the job \(job).")
        }
        return callback
    }

    private static func list(_ text: RawJSON, _ what: String) throws -> [JSON] {
        guard let list = try JSON(parsing: text.bytes).arrayValue else {
            throw DashError(.invalidRequest, "\(what) have to be a list.")
        }
        return list
    }

    private static func object(_ text: RawJSON) throws -> JSONObject {
        let json = try JSON(parsing: text.bytes)
        if json.isNull { return JSONObject() }
        guard case .object(let object) = json else {
            throw DashError(.invalidRequest, "The named arguments have to be an object.")
        }
        return object
    }
}

extension PropertyRef {
    fileprivate func value(_ value: RawJSON) -> PropertyValue {
        PropertyValue(id: id.text, property: property, value: value)
    }
}
