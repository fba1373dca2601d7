import DashJSON

/// The context as it travels into a job and is kept with it for `onError`.
extension CallbackContext {
    /// The context as JSON, with no more of the request than a job may have.
    ///
    /// - Parameters:
    ///   - names: The cookies and headers that go along.
    ///   - isShared: True for a job whose cached result all users share: it gets nothing of the request.
    func encoded(carrying names: JobContext, isShared: Bool) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.object { members in
            members.member("triggered", triggered)
            members.member("arguments", bindings)
            if outputs.contains(where: \.pattern.id.hasWildcard) { members.member("outputs", outputs) }
            if !isShared, case .whole(let page, let owner) = request {
                members.member("request", CarriedRequest(page: page, owner: owner, names: names))
            }
        }
        return writer.bytes
    }

    /// Reads what ``encoded(carrying:isShared:)`` wrote.
    ///
    /// - Parameters:
    ///   - bytes: The JSON.
    ///   - emit: Where progress and set properties go.
    /// - Throws: an error if the bytes are nothing that was written by it.
    init(decoding bytes: [UInt8], emit: @escaping @Sendable (Event) -> Void) throws {
        let json = try JSON(parsing: bytes)
        let request = json["request"]
        self.init(
            triggered: try [Property](json: json["triggered"]),
            bindings: try [Binding](json: json["arguments"]),
            request: request.isNull ? .shared : try CarriedRequest(json: request).part,
            outputs: json["outputs"].isNull ? [] : try [Target](json: json["outputs"]),
            emit: emit
        )
    }
}

extension CallbackContext.Property: JSONConvertible {
    /// Writes `[id, property, value]`.
    public func encode(to writer: inout JSONWriter) {
        JSON.array([id.json, .string(property), value]).encode(to: &writer)
    }

    /// Reads `[id, property, value]`.
    ///
    /// - Throws: ``DashError`` if it is something else.
    public init(json: JSON) throws {
        self.init(id: try ComponentID(json: json[0]), property: try String(json: json[1]), value: json[2])
    }
}

extension CallbackContext.Binding: JSONConvertible {
    func encode(to writer: inout JSONWriter) {
        writer.object { object in
            if isState { object.member("state", true) }
            if isList { object.member("list", true) }
            if let pattern { object.member("pattern", pattern) }
            object.member("values", members)
        }
    }

    init(json: JSON) throws {
        self.init(
            isState: json["state"].boolValue ?? false,
            isList: json["list"].boolValue ?? false,
            members: try [CallbackContext.Property](json: json["values"]),
            pattern: json["pattern"].isNull ? nil : try PropertyRef(json: json["pattern"])
        )
    }
}

extension CallbackContext.Target: JSONConvertible {
    /// Writes `[pattern, [id, …]]`.
    public func encode(to writer: inout JSONWriter) {
        JSON.array([pattern.json, .array(ids.map(\.json))]).encode(to: &writer)
    }

    /// Reads `[pattern, [id, …]]`.
    ///
    /// - Throws: ``DashError`` if it is something else.
    public init(json: JSON) throws {
        self.init(pattern: try PropertyRef(json: json[0]), ids: try [ComponentID](json: json[1]))
    }
}

extension PropertyRef: JSONConvertible {
    /// Writes `[id, property]`.
    package func encode(to writer: inout JSONWriter) {
        JSON.array([id.json, .string(property)]).encode(to: &writer)
    }

    /// Reads `[id, property]`.
    package init(json: JSON) throws {
        self.init(id: try ComponentID(json: json[0]), property: try String(json: json[1]))
    }
}

/// The part of a request that a job gets.
private struct CarriedRequest: JSONConvertible {
    let page: PageRequest
    let owner: String
    let names: JobContext

    /// Keeps of the page what is named.
    init(page: PageRequest, owner: String, names: JobContext) {
        self.page = PageRequest(
            path: page.path,
            headers: page.headers.filter { names.headers.contains($0.key) },
            cookies: page.cookies.filter { names.cookies.contains($0.key) }
        )
        self.owner = owner
        self.names = names
    }

    init(json: JSON) throws {
        self.init(
            page: PageRequest(
                path: try String(json: json["path"]),
                headers: try [String: String](json: json["headers"]),
                cookies: try [String: String](json: json["cookies"])
            ),
            owner: try String(json: json["owner"]),
            names: JobContext(
                cookies: Set(try [String](json: json["cookieNames"])),
                headers: Set(try [String](json: json["headerNames"]))
            )
        )
    }

    func encode(to writer: inout JSONWriter) {
        writer.object { object in
            object.member("path", page.path)
            object.member("owner", owner)
            object.member("cookies", page.cookies)
            object.member("headers", page.headers)
            object.member("cookieNames", names.cookies.sorted())
            object.member("headerNames", names.headers.sorted())
        }
    }

    var part: CallbackContext.RequestPart { .carried(page, owner: owner, names: names) }
}
