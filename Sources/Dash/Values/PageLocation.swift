import Support

/// The address of a page, as a `dcc.Location` gives it: `Input(location: url)`.
///
/// Each part is nil until the component is there; for `https://host/shop?q=pen&page=2#top` they are as said below.
public struct PageLocation: Sendable, Hashable {
    /// The path: `/shop`.
    public var pathname: String?
    /// The query with its question mark: `?q=pen&page=2`; empty if there is none.
    public var search: String?
    /// The fragment with its number sign: `#top`; empty if there is none.
    public var hash: String?
    /// The whole: `https://host/shop?q=pen&page=2#top`.
    public var href: String?

    /// An address.
    ///
    /// - Parameters:
    ///   - pathname: The path.
    ///   - search: The query with its question mark.
    ///   - hash: The fragment with its number sign.
    ///   - href: The whole.
    public init(pathname: String? = nil, search: String? = nil, hash: String? = nil, href: String? = nil) {
        self.pathname = pathname
        self.search = search
        self.hash = hash
        self.href = href
    }

    /// The parameters of the query.
    public var query: QueryParameters { QueryParameters(search ?? "") }
}

/// The parameters of a query, such as `?q=pen&page=2`, taken apart and decoded: `query["q"]` is `pen`.
///
/// `+` is a space, `%C3%BC` is `ü`; what is no valid escape stays as it is.
public struct QueryParameters: Sendable, Hashable {
    /// Names and values in the order of the query; a name may occur more than once.
    public var pairs: [Pair]

    /// One parameter.
    public struct Pair: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value; empty if there is none.
        public var value: String

        /// A parameter.
        ///
        /// - Parameters:
        ///   - name: The name.
        ///   - value: The value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The parameters of a query, with or without its question mark.
    public init(_ query: String) {
        let text = query.hasPrefix("?") ? query.dropFirst() : query[...]
        pairs = text.split(separator: "&").map { part in
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Pair(Self.decoded(sides[0]), sides.count > 1 ? Self.decoded(sides[1]) : "")
        }
    }

    /// A query of these names and values, for an address to go to: `QueryParameters([("q", "pen")]).text`.
    public init(_ pairs: [(String, String)]) { self.pairs = pairs.map { Pair($0.0, $0.1) } }

    /// The first value of a name; nil if it does not occur.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// All values of a name, in order.
    public func values(of name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// The names in the order of the query, each once.
    public var names: [String] {
        var seen: Set<String> = []
        return pairs.map(\.name).filter { seen.insert($0).inserted }
    }

    /// Whether there is nothing.
    public var isEmpty: Bool { pairs.isEmpty }

    /// The query with its question mark, encoded; empty if there are no parameters.
    public var text: String {
        guard !pairs.isEmpty else { return "" }
        let parts = pairs.map { "\(PercentEncoding.text(of: $0.name))=\(PercentEncoding.text(of: $0.value))" }
        return "?" + parts.joined(separator: "&")
    }

    private static func decoded(_ text: Substring) -> String {
        // A plus sign is a space, as forms write it; an escaped one is not.
        let spaced = text.utf8.lazy.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(decoding: PercentEncoding.lenientBytes(of: spaced), as: UTF8.self)
    }
}
