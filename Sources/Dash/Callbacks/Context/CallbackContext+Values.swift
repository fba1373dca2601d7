import DashJSON
import Foundation
import Logging

extension CallbackContext {
    /// How much of the starting request there is.
    enum RequestPart: Sendable, Hashable {
        /// All: the callback runs in the web process.
        case whole(PageRequest, owner: String)
        /// In a job: what the app's `jobContext` lists.
        case carried(PageRequest, owner: String, names: JobContext)
        /// In a job whose result all users share: nothing.
        case shared
    }

    /// Who asked: what the app's `identify` said, else the browser's session.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var owner: String {
        get throws {
            switch request {
            case .whole(_, let owner), .carried(_, let owner, _): owner
            case .shared: throw DashError.notInSharedJob("who asked")
            }
        }
    }

    /// The path and the query of the request.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var path: String {
        get throws {
            switch request {
            case .whole(let page, _), .carried(let page, _, _): page.path
            case .shared: throw DashError.notInSharedJob("the path of the request")
            }
        }
    }

    /// The parts of the request's query by name; of a repeated name the first.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var query: [String: String] {
        get throws {
            let items = URLComponents(string: try path)?.queryItems ?? []
            return Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// The address of the browser, or of the last proxy before the server; `nil` if it is not known, as in a background
    /// job or where the site is part of another server.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var remoteAddress: String? {
        get throws { try page("the address of the browser").remoteAddress }
    }

    /// The cookies of the request but for the site's own; in a background job those that the app's `jobContext` lists.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var cookies: [String: String] {
        get throws { try page("cookies").cookies.filter { !Sessions.isCookieName($0.key) } }
    }

    /// The headers of the request by their names in lower case; in a background job those that the app's `jobContext`
    /// lists.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var headers: [String: String] {
        get throws { try page("headers").headers }
    }

    private func page(_ what: String) throws -> PageRequest {
        switch request {
        case .whole(let page, _), .carried(let page, _, _): page
        case .shared: throw DashError.notInSharedJob(what)
        }
    }

    /// A cookie of the request; `nil` if the browser sent none of this name, which is no error.
    ///
    /// - Throws: ``DashError`` with code `not-in-job` in a background job if the app's `jobContext` does not list the name,
    ///   and `not-in-shared-job` if the job's cached result is shared by all users.
    public func cookie(_ name: String) throws -> String? {
        switch request {
        case .whole(let page, _):
            return page.cookies[name]
        case .carried(let page, _, let names):
            guard names.cookies.contains(name) else { throw DashError.notInJob("cookie", name, list: "cookies") }
            return page.cookies[name]
        case .shared:
            throw DashError.notInSharedJob("the cookie \(name)")
        }
    }

    /// A header of the request, whatever the case of its name; `nil` if there was none, which is no error.
    ///
    /// - Throws: ``DashError`` as ``cookie(_:)`` does.
    public func header(_ name: String) throws -> String? {
        let name = name.lowercased()
        switch request {
        case .whole(let page, _):
            return page.headers[name]
        case .carried(let page, _, let names):
            guard names.headers.contains(name) else { throw DashError.notInJob("header", name, list: "headers") }
            return page.headers[name]
        case .shared:
            throw DashError.notInSharedJob("the header \(name)")
        }
    }
}

extension DashError {
    fileprivate static func notInSharedJob(_ what: String) -> DashError {
        DashError(
            .notInSharedJob,
            """
            A job whose cached result all users share cannot read \(what). Give the cache a key for each user: \
            cache: .by(…, scope: .session).
            """
        )
    }

    fileprivate static func notInJob(_ kind: String, _ name: String, list: String) -> DashError {
        DashError(
            .notInJob,
            """
            The \(kind) \(name) was not sent along into the job. Name it when the app is set up: \
            app.jobContext.\(list).insert("\(name)").
            """
        )
    }
}

/// Which components of the page a pattern means in this call.
extension CallbackContext {
    /// What each `match` of the callback stands for in this call, by key.
    var match: [String: IDValue] {
        let slots = bindings.compactMap { binding in binding.pattern.map { ($0.id, binding.members.map(\.id)) } }
        var values: [String: IDValue] = [:]
        for (pattern, ids) in outputs.map({ ($0.pattern.id, $0.ids) }) + slots {
            guard let id = ids.first else { continue }
            for key in pattern.matchKeys where values[key] == nil { values[key] = id.members[key] }
        }
        return values
    }

    /// The updates with the components of this call in the place of patterns, one value for all that a pattern stands for.
    ///
    /// `all` is left to the browser, which knows every component of the page. What cannot be placed is logged and left out.
    func placed(_ updates: [PropertyUpdate]) -> [PropertyUpdate] {
        guard updates.contains(where: \.ref.id.hasWildcard) else { return updates }
        return updates.flatMap { update -> [PropertyUpdate] in
            guard update.ref.id.hasWildcard else { return [update] }
            guard let ref = matched(update.ref) else { return [] }
            guard ref.id.members.values.contains(.allSmaller) else {
                return [PropertyUpdate(ref: ref, value: update.value)]
            }
            return components(ref).map {
                PropertyUpdate(ref: PropertyRef(id: $0, property: ref.property), value: update.value)
            }
        }
    }

    /// A list of values for the components that the callback's own input, state or output of this pattern has.
    func listed(_ update: PropertyUpdate) -> [PropertyUpdate] {
        guard let ref = matched(update.ref), let values = update.value.json.arrayValue else { return [] }
        let ids = components(ref)
        guard ids.count == values.count else {
            Self.complain(
                """
                \(ref) got \(values.count) values for \(ids.count) components, so nothing is set: give one value for each \
                component of an Input, State or Output of the same pattern, or one value for all by .every.
                """
            )
            return []
        }
        return zip(ids, values).map { id, value in
            PropertyUpdate(ref: PropertyRef(id: id, property: ref.property), value: RawJSON(json: value))
        }
    }

    /// The reference with values for every `match`; nil if this call has none, which is logged.
    private func matched(_ ref: PropertyRef) -> PropertyRef? {
        let keys = ref.id.matchKeys
        guard !keys.isEmpty else { return ref }
        let values = match
        guard keys.allSatisfy({ values[$0] != nil }) else {
            Self.complain("\(ref) has a match that no Input, State or Output of the callback has, so nothing is set.")
            return nil
        }
        return PropertyRef(id: ref.id.matched(by: values), property: ref.property)
    }

    /// The components that the callback's own inputs, states and outputs have of a pattern.
    private func components(_ ref: PropertyRef) -> [ComponentID] {
        let known = bindings.compactMap { binding in binding.pattern.map { ($0, binding.members.map(\.id)) } }
        let found = (known + outputs.map { ($0.pattern, $0.ids) }).first { matched($0.0)?.id == ref.id }
        if found == nil {
            Self.complain("\(ref.id) is no pattern of the callback's Inputs, States and Outputs, so nothing is set.")
        }
        return found?.1 ?? []
    }

    private static func complain(_ sentence: String) { Logger(label: "dash").error("\(sentence)") }
}

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
