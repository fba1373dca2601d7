import HTTPTypes

/// A browser's request for the layout, or to run a callback.
public struct PageRequest: Sendable, Hashable {
    /// The path relative to the app's, with the query: `/_dash-layout`.
    public var path: String
    /// The headers by name in lower case; values of a repeated header are joined by `, `.
    public var headers: [String: String] {
        get { fields.headers }
        set { fields = .given(headers: newValue, cookies: fields.cookies) }
    }
    /// The cookies.
    public var cookies: [String: String] {
        get { fields.cookies }
        set { fields = .given(headers: fields.headers, cookies: newValue) }
    }
    /// The address of the browser, or of the last proxy; `nil` if unknown.
    public var remoteAddress: String?
    private var fields: Fields

    /// Creates a request; see the properties.
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

    /// Creates a request with headers that are parsed on demand.
    init(path: String, sent: HTTPFields) {
        self.path = path
        fields = .sent(sent)
    }
}

extension PageRequest {
    /// The headers; parsed on demand, as most callbacks do not read them.
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

    /// Whether path, headers, cookies and address are equal.
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

/// The parts of a starting request that are passed to background jobs, and stored with them.
///
/// Only listed cookies and headers are passed, as they may contain secrets.
public struct JobContext: Sendable, Hashable {
    /// The names of cookies.
    public var cookies: Set<String>
    /// The names of headers, in lower case.
    public var headers: Set<String>

    /// Creates a context with the cookies and headers of these names.
    public init(cookies: Set<String> = [], headers: Set<String> = []) {
        self.cookies = cookies
        self.headers = Set(headers.map { $0.lowercased() })
    }
}
