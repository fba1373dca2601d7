import HTTPTypes

/// What an app may know of a browser's request: of the one for the layout, or of the one that runs a callback.
public struct PageRequest: Sendable, Hashable {
    /// The path below the app's own, with the query: `/_dash-layout`.
    public var path: String
    /// The headers by their names in lower case; values of a repeated one are joined by `, `.
    public var headers: [String: String] {
        get { fields.headers }
        set { fields = .given(headers: newValue, cookies: fields.cookies) }
    }
    /// The cookies.
    public var cookies: [String: String] {
        get { fields.cookies }
        set { fields = .given(headers: fields.headers, cookies: newValue) }
    }
    /// The address of the browser or of the last proxy before the server; `nil` if it is not known.
    public var remoteAddress: String?
    private var fields: Fields

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
        self.remoteAddress = remoteAddress
        fields = .given(headers: headers, cookies: cookies)
    }

    /// A request with its headers as they were sent.
    init(path: String, sent: HTTPFields) {
        self.path = path
        fields = .sent(sent)
    }
}

extension PageRequest {
    /// The headers, taken apart only when somebody looks: most callbacks do not.
    private enum Fields: Sendable {
        case given(headers: [String: String], cookies: [String: String])
        case sent(HTTPFields)

        var headers: [String: String] {
            switch self {
            case .given(let headers, _): headers
            case .sent(let fields):
                Dictionary(fields.map { ($0.name.canonicalName, $0.value) }, uniquingKeysWith: { "\($0), \($1)" })
            }
        }

        var cookies: [String: String] {
            switch self {
            case .given(_, let cookies): cookies
            case .sent(let fields):
                Dictionary(
                    Cookies.pairs(in: fields[.cookie]).map { ($0.name, $0.value) },
                    uniquingKeysWith: { first, _ in first }
                )
            }
        }
    }

    /// Whether path, headers, cookies and address are the same.
    public static func == (left: PageRequest, right: PageRequest) -> Bool {
        left.path == right.path && left.remoteAddress == right.remoteAddress && left.headers == right.headers
            && left.cookies == right.cookies
    }

    /// Hashes path, headers, cookies and address.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(path)
        hasher.combine(headers)
        hasher.combine(cookies)
        hasher.combine(remoteAddress)
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
