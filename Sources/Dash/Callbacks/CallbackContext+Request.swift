import Foundation

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
