/// What an app may know of a browser's request: of the one for the layout, or of the one that runs a callback.
public struct PageRequest: Sendable, Hashable {
    /// The path below the app's own, with the query: `/_dash-layout`.
    public var path: String
    /// The headers by their names in lower case; values of a repeated one are joined by `, `.
    public var headers: [String: String]
    /// The cookies.
    public var cookies: [String: String]
    /// The address of the browser or of the last proxy before the server; `nil` if it is not known.
    public var remoteAddress: String?

    /// A request.
    ///
    /// - Parameters:
    ///   - path: The path with the query.
    ///   - headers: The headers, by names in lower case.
    ///   - cookies: The cookies.
    ///   - remoteAddress: The address of the other side of the connection.
    public init(
        path: String = "/",
        headers: [String: String] = [:],
        cookies: [String: String] = [:],
        remoteAddress: String? = nil
    ) {
        self.path = path
        self.headers = headers
        self.cookies = cookies
        self.remoteAddress = remoteAddress
    }
}

/// What of a starting request travels into background jobs, and is kept there for as long as the job is.
///
/// Only what is listed goes along, as cookies and headers may hold secrets that do not belong into a store.
public struct JobContext: Sendable, Hashable {
    /// Names of cookies.
    public var cookies: Set<String>
    /// Names of headers, in lower case.
    public var headers: Set<String>

    /// The cookies and headers of these names.
    public init(cookies: Set<String> = [], headers: Set<String> = []) {
        self.cookies = cookies
        self.headers = Set(headers.map { $0.lowercased() })
    }
}
