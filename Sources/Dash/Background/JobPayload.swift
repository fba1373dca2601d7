import DashJSON
import Jobs

/// A job's payload, as ``CallbackContext`` encodes it, split into the arguments, which other programs may read, and the
/// rest.
struct JobPayload: Sendable {
    /// The values of the inputs and states; a list for a list of components.
    let arguments: [JSON]
    /// The payload with nulls in place of the arguments.
    private let rest: JSONObject

    /// Splits a payload.
    ///
    /// - Throws: An error for an invalid payload.
    init(decoding bytes: [UInt8]) throws {
        let payload = try JSON(parsing: bytes)
        let bindings = try [CallbackContext.Binding](json: payload["arguments"])
        arguments = bindings.map(\.argument)
        var rest = JSONObject()
        // The values of triggers equal those of the inputs they name.
        rest["triggered"] = .array((payload["triggered"].arrayValue ?? []).map(Self.emptied))
        rest["arguments"] = JSON(bindings.map { Self.replacingValues(of: $0) { _ in .null } })
        // The ids that the outputs' patterns match.
        if !payload["outputs"].isNull { rest["outputs"] = payload["outputs"] }
        if !payload["request"].isNull { rest["request"] = payload["request"] }
        self.rest = rest
    }

    /// Joins arguments and the rest.
    ///
    /// - Throws: An error for an invalid rest.
    init(arguments: [JSON], extra: RawJSON) throws {
        guard case .object(let rest) = try JSON(parsing: extra.bytes) else {
            throw DashError(.invalidRequest, "The data beside the job's arguments must be an object.")
        }
        self.arguments = arguments
        self.rest = rest
    }

    /// The payload of a call from outside a page.
    init(bindings: [CallbackContext.Binding]) {
        arguments = bindings.map(\.argument)
        var rest = JSONObject()
        rest["triggered"] = []
        rest["arguments"] = JSON(bindings.map { Self.replacingValues(of: $0) { _ in .null } })
        rest["request"] = [
            "path": "/", "owner": "", "cookies": [:], "headers": [:], "cookieNames": [], "headerNames": [],
        ]
        self.rest = rest
    }

    /// The arguments as an array, the rest as an object.
    var parts: (arguments: RawJSON, extra: RawJSON) {
        (RawJSON(json: .array(arguments)), RawJSON(json: .object(rest)))
    }

    var bytes: [UInt8] {
        get throws {
            let bindings = try [CallbackContext.Binding](json: rest["arguments"] ?? [])
            guard bindings.count == arguments.count else {
                throw DashError(
                    .invalidRequest,
                    "The job takes \(bindings.count) arguments, but \(arguments.count) were given."
                )
            }
            let filled = try zip(bindings, arguments).map { try Self.filled($0, with: $1) }
            var payload = rest
            payload["arguments"] = JSON(filled)
            let members = filled.filter { !$0.isState }.flatMap(\.members)
            payload["triggered"] = .array((rest["triggered"]?.arrayValue ?? []).map { Self.filled($0, members) })
            return RawJSON(json: .object(payload)).bytes
        }
    }

    private static func replacingValues(
        of binding: CallbackContext.Binding,
        _ value: (Int) -> JSON
    ) -> CallbackContext.Binding {
        var binding = binding
        binding.members = binding.members.enumerated().map { position, member in
            CallbackContext.Property(id: member.id, property: member.property, value: value(position))
        }
        return binding
    }

    private static func filled(
        _ binding: CallbackContext.Binding,
        with argument: JSON
    ) throws -> CallbackContext.Binding {
        guard binding.isList else {
            return binding.members.isEmpty ? binding : replacingValues(of: binding) { _ in argument }
        }
        guard let values = argument.arrayValue, values.count == binding.members.count else {
            throw DashError(.invalidRequest, "An argument must be a list of \(binding.members.count) values.")
        }
        return replacingValues(of: binding) { values[$0] }
    }

    private static func emptied(_ property: JSON) -> JSON { [property[0], property[1]] }

    private static func filled(_ property: JSON, _ members: [CallbackContext.Property]) -> JSON {
        let member = members.first { $0.id.json == property[0] && .string($0.property) == property[1] }
        return [property[0], property[1], member?.value ?? .null]
    }
}

/// Translates between the payloads of a site's jobs and those of other programs: a task's arguments are the values of
/// the callback's inputs and states, its result the value of the output, or a list of values.
struct SiteJobCodec: JobCodec {
    let site: DashSite

    /// The values of the inputs and states, and the rest of the payload without them.
    func encode(payload: [UInt8], of job: String) throws -> (arguments: RawJSON, extra: RawJSON) {
        try JobPayload(decoding: payload).parts
    }

    /// The payload of a job; without `extra`, that of a call from outside a page.
    func payload(of job: String, arguments: RawJSON, kwargs: RawJSON, extra: RawJSON?) throws -> [UInt8] {
        let values = try Self.list(arguments, "The positional arguments")
        if let extra { return try JobPayload(arguments: values, extra: extra).bytes }
        let call = ForeignCall(job: job, slots: try callback(of: job).slots)
        return try call.payload(values, kwargs: Self.object(kwargs)).bytes
    }

    /// One output's value, or a list for several; null for no output and for an unchanged one.
    func value(ofResult result: [UInt8], of job: String) throws -> RawJSON {
        let count = try callback(of: job).outputs.count
        guard case .updates(let updates) = try CallbackOutcome(decoding: RawJSON(unchecked: result)), count > 0 else {
            return .null
        }
        let values = Dictionary(updates.map { ($0.index, $0.value) }, uniquingKeysWith: { $1 })
        if count == 1 { return values[0] ?? .null }
        return RawJSON((0..<count).map { values[$0] ?? .null })
    }

    /// The updates of the outputs: one value, or a list by position.
    func result(ofValue value: RawJSON, of job: String) throws -> [UInt8] {
        let outputs = try callback(of: job).outputs
        if outputs.count == 1 { return CallbackOutcome.updates([OutputUpdate(index: 0, value: value)]).encoded.bytes }
        if outputs.isEmpty { return CallbackOutcome.updates([]).encoded.bytes }
        guard let values = value.json.arrayValue, values.count == outputs.count else {
            throw DashError(
                .typeMismatch,
                "The task's result must be a list of \(outputs.count) values, one for each output "
                    + "(\(outputs.map(\.ref.text).joined(separator: ", "))); found \(value.json.excerpt)"
            )
        }
        let updates = values.enumerated().map { OutputUpdate(index: $0.offset, value: RawJSON(json: $0.element)) }
        return CallbackOutcome.updates(updates).encoded.bytes
    }

    /// A list by position, an object by property names; the whole value for a single property.
    func progress(ofMeta meta: RawJSON, of job: String) -> [PropertyValue] {
        guard let refs = try? callback(of: job).background?.progress, let first = refs.first else { return [] }
        if refs.count == 1 { return [Self.value(of: first, meta)] }
        let json = meta.json
        if let values = json.arrayValue {
            return zip(refs, values).map { ref, value in Self.value(of: ref, RawJSON(json: value)) }
        }
        let names = [["current", "done", "value"], ["total", "max"]]
        return refs.enumerated().compactMap { position, ref in
            let known = [ref.text] + (position < names.count ? names[position] : [])
            return known.lazy.map { json[$0] }.first { !$0.isNull }.map { Self.value(of: ref, RawJSON(json: $0)) }
        }
    }

    private static func value(of ref: PropertyRef, _ value: RawJSON) -> PropertyValue {
        PropertyValue(id: ref.id.text, property: ref.property, value: value)
    }

    private func callback(of job: String) throws -> Callback {
        guard let callback = site.backgroundCallback(ofJob: job) else {
            throw DashError(.invalidRequest, "This program has no background callback for the job \(job).")
        }
        return callback
    }

    private static func list(_ text: RawJSON, _ what: String) throws -> [JSON] {
        guard let list = try JSON(parsing: text.bytes).arrayValue else {
            throw DashError(.invalidRequest, "\(what) must be a list.")
        }
        return list
    }

    private static func object(_ text: RawJSON) throws -> JSONObject {
        let json = try JSON(parsing: text.bytes)
        if json.isNull { return JSONObject() }
        guard case .object(let object) = json else {
            throw DashError(.invalidRequest, "The named arguments must be an object.")
        }
        return object
    }
}
