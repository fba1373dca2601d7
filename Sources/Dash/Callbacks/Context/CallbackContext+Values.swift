import DashJSON
import Foundation
import Logging

extension CallbackContext {
    /// The accessible part of the starting request.
    enum RequestPart: Sendable, Hashable {
        /// Everything: the callback runs in the web process.
        case whole(PageRequest, owner: String)
        /// In a job: what the app's `jobContext` lists.
        case carried(PageRequest, owner: String, names: JobContext)
        /// Nothing: the job's result is shared by all users.
        case shared
    }

    /// The owner of the request: the result of the app's `identify`, otherwise the browser's session.
    ///
    /// - Throws: ``DashError`` with code `not-in-shared-job` in a background job whose cached result all users share.
    public var owner: String {
        get throws { try known("the owner").owner }
    }

    /// The path of the request with its query. Throws as ``owner`` does.
    public var path: String {
        get throws { try known("the path of the request").page.path }
    }

    /// The parameters of the request's query by name; the first one of a repeated name. Throws as ``owner`` does.
    public var query: [String: String] {
        get throws {
            let items = URLComponents(string: try path)?.queryItems ?? []
            return Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// The address of the browser, or of the last proxy; `nil` if unknown, as in a background job or in the router of
    /// another application. Throws as ``owner`` does.
    public var remoteAddress: String? {
        get throws { try known("the address of the browser").page.remoteAddress }
    }

    /// The cookies of the request except the site's own; in a background job those that the app's `jobContext` lists.
    /// Throws as ``owner`` does.
    public var cookies: [String: String] {
        get throws { try known("cookies").page.cookies.filter { !Sessions.isCookieName($0.key) } }
    }

    /// The headers of the request by name in lower case; in a background job those that the app's `jobContext` lists.
    /// Throws as ``owner`` does.
    public var headers: [String: String] {
        get throws { try known("headers").page.headers }
    }

    private func known(_ what: String) throws -> (page: PageRequest, owner: String) {
        switch request {
        case .whole(let page, let owner), .carried(let page, let owner, _): (page, owner)
        case .shared: throw Self.notInSharedJob(what)
        }
    }

    /// Returns a cookie of the request; `nil` if the browser sent none of this name.
    ///
    /// - Throws: ``DashError`` with code `not-in-job` in a background job if the app's `jobContext` does not list the
    ///   name, and `not-in-shared-job` if all users share the job's cached result.
    public func cookie(_ name: String) throws -> String? {
        let page = try known("the cookie \(name)").page
        if case .carried(_, _, let names) = request, !names.cookies.contains(name) {
            throw Self.notInJob("cookie", name, list: "cookies")
        }
        return page.cookies[name]
    }

    /// Returns a header of the request; `nil` if there was none. The name's case does not matter.
    ///
    /// - Throws: ``DashError``, as ``cookie(_:)`` does.
    public func header(_ name: String) throws -> String? {
        let name = name.lowercased()
        let page = try known("the header \(name)").page
        if case .carried(_, _, let names) = request, !names.headers.contains(name) {
            throw Self.notInJob("header", name, list: "headers")
        }
        return page.headers[name]
    }

    private static func notInSharedJob(_ what: String) -> DashError {
        DashError(
            .notInSharedJob,
            """
            A job whose cached result all users share cannot read \(what). Cache the result per session: \
            cache: .by(…, scope: .session).
            """
        )
    }

    private static func notInJob(_ kind: String, _ name: String, list: String) -> DashError {
        DashError(
            .notInJob,
            """
            The \(kind) \(name) was not passed to the job. Add it in the app's setup: \
            app.jobContext.\(list).insert("\(name)").
            """
        )
    }
}

/// Resolves patterns to the components of this call.
extension CallbackContext {
    /// The values of the callback's `match` wildcards in this call, by key.
    var match: [String: IDValue] {
        let slots = bindings.compactMap { binding in binding.pattern.map { ($0.id, binding.members.map(\.id)) } }
        var values: [String: IDValue] = [:]
        for (pattern, ids) in outputs.map({ ($0.pattern.id, $0.ids) }) + slots {
            guard let id = ids.first else { continue }
            for key in pattern.matchKeys where values[key] == nil { values[key] = id.members[key] }
        }
        return values
    }

    /// Resolves patterns in updates to the components of this call; all components of a pattern get the same value.
    ///
    /// `all` is left to the browser, which knows every component of the page. Updates that cannot be resolved are
    /// logged and omitted.
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

    /// Updates from a list with one value for each component of an input, state or output with this pattern.
    func listed(_ update: PropertyUpdate) -> [PropertyUpdate] {
        guard let ref = matched(update.ref), let values = update.value.json.arrayValue else { return [] }
        let ids = components(ref)
        guard ids.count == values.count else {
            Self.complain(
                """
                \(ref) got \(values.count) values for \(ids.count) components; nothing was set. Pass one value for each \
                component of an Input, State or Output with the same pattern, or one value for all with .every.
                """
            )
            return []
        }
        return zip(ids, values).map { id, value in
            PropertyUpdate(ref: PropertyRef(id: id, property: ref.property), value: RawJSON(json: value))
        }
    }

    /// The reference with values for every `match`; nil, after logging, if this call has none.
    private func matched(_ ref: PropertyRef) -> PropertyRef? {
        let keys = ref.id.matchKeys
        guard !keys.isEmpty else { return ref }
        let values = match
        guard keys.allSatisfy({ values[$0] != nil }) else {
            Self.complain("\(ref) has a match that no Input, State or Output of the callback has; nothing was set.")
            return nil
        }
        return PropertyRef(id: ref.id.matched(by: values), property: ref.property)
    }

    /// The components that the callback's inputs, states and outputs have for a pattern.
    private func components(_ ref: PropertyRef) -> [ComponentID] {
        let known = bindings.compactMap { binding in binding.pattern.map { ($0, binding.members.map(\.id)) } }
        let found = (known + outputs.map { ($0.pattern, $0.ids) }).first { matched($0.0)?.id == ref.id }
        if found == nil {
            Self.complain("\(ref.id) is not a pattern of the callback's Inputs, States or Outputs; nothing was set.")
        }
        return found?.1 ?? []
    }

    private static func complain(_ sentence: String) { Logger(label: "dash").error("\(sentence)") }
}

/// The encoding in a job's payload, and in its details for `onError`.
extension CallbackContext {
    /// The context as JSON, with the part of the request that the job may access.
    ///
    /// - Parameters:
    ///   - names: The cookies and headers to pass.
    ///   - isShared: Whether all users share the job's cached result; if so, nothing of the request is included.
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

    /// Decodes what ``encoded(carrying:isShared:)`` wrote.
    ///
    /// - Throws: An error for invalid bytes.
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
    /// - Throws: ``DashError`` for anything else.
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
    /// - Throws: ``DashError`` for anything else.
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

/// The part of a request that is passed to a job.
private struct CarriedRequest: JSONConvertible {
    let page: PageRequest
    let owner: String
    let names: JobContext

    /// Filters the page's headers and cookies by name.
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
