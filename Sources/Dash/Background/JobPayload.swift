import DashJSON

/// What a job is given, as ``CallbackContext`` encodes it, taken apart: the values that everybody may see, and the rest.
struct JobPayload: Sendable {
    /// The values of the callback's inputs and states, those of a list of components as a list.
    let arguments: [JSON]
    /// The payload, with nulls for the values that are among the arguments.
    private let rest: JSONObject

    /// Takes a payload apart.
    ///
    /// - Throws: an error for bytes that are none.
    init(decoding bytes: [UInt8]) throws {
        let payload = try JSON(parsing: bytes)
        let bindings = try [CallbackContext.Binding](json: payload["arguments"])
        arguments = bindings.map(\.argument)
        var rest = JSONObject()
        // The values of triggers are those of the inputs they name.
        rest["triggered"] = .array((payload["triggered"].arrayValue ?? []).map(Self.emptied))
        rest["arguments"] = JSON(bindings.map { $0.replacingValues { _ in .null } })
        // What patterns of the outputs stand for.
        if !payload["outputs"].isNull { rest["outputs"] = payload["outputs"] }
        if !payload["request"].isNull { rest["request"] = payload["request"] }
        self.rest = rest
    }

    /// Puts a payload together again.
    ///
    /// - Throws: an error when the values are not those of the rest.
    init(arguments: [JSON], extra: RawJSON) throws {
        guard case .object(let rest) = try JSON(parsing: extra.bytes) else {
            throw DashError(.invalidRequest, "What came with the job's arguments is no object.")
        }
        self.arguments = arguments
        self.rest = rest
    }

    /// A payload of a call that no page made.
    init(bindings: [CallbackContext.Binding]) {
        arguments = bindings.map(\.argument)
        var rest = JSONObject()
        rest["triggered"] = []
        rest["arguments"] = JSON(bindings.map { $0.replacingValues { _ in .null } })
        rest["request"] = [
            "path": "/", "owner": "", "cookies": [:], "headers": [:], "cookieNames": [], "headerNames": [],
        ]
        self.rest = rest
    }

    /// The arguments as an array, and the rest as an object.
    var parts: (arguments: RawJSON, extra: RawJSON) {
        (RawJSON(json: .array(arguments)), RawJSON(json: .object(rest)))
    }

    /// The payload as a job is given it.
    var bytes: [UInt8] {
        get throws {
            let bindings = try [CallbackContext.Binding](json: rest["arguments"] ?? [])
            guard bindings.count == arguments.count else {
                throw DashError(
                    .invalidRequest,
                    "The job takes \(bindings.count) arguments, and \(arguments.count) came with it."
                )
            }
            let filled = try zip(bindings, arguments).map { try $0.filled(with: $1) }
            var payload = rest
            payload["arguments"] = JSON(filled)
            let members = filled.filter { !$0.isState }.flatMap(\.members)
            payload["triggered"] = .array((rest["triggered"]?.arrayValue ?? []).map { Self.filled($0, members) })
            return RawJSON(json: .object(payload)).bytes
        }
    }

    private static func emptied(_ property: JSON) -> JSON { [property[0], property[1]] }

    private static func filled(_ property: JSON, _ members: [CallbackContext.Property]) -> JSON {
        let member = members.first { $0.id.json == property[0] && .string($0.property) == property[1] }
        return [property[0], property[1], member?.value ?? .null]
    }
}

extension CallbackContext.Binding {
    /// The binding with other values of its members.
    fileprivate func replacingValues(_ value: (Int) -> JSON) -> CallbackContext.Binding {
        var binding = self
        binding.members = members.enumerated().map { position, member in
            CallbackContext.Property(id: member.id, property: member.property, value: value(position))
        }
        return binding
    }

    /// The binding with the values of an argument.
    fileprivate func filled(with argument: JSON) throws -> CallbackContext.Binding {
        guard isList else { return members.isEmpty ? self : replacingValues { _ in argument } }
        guard let values = argument.arrayValue, values.count == members.count else {
            throw DashError(.invalidRequest, "An argument has to be a list of \(members.count) values.")
        }
        return replacingValues { values[$0] }
    }
}
