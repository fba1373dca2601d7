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
        return "?" + pairs.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }.joined(separator: "&")
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), rest.count >= 2, let value = hexadecimal(rest.prefix(2)) {
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ digits: Substring.UTF8View) -> UInt8? {
        // A sign would be read too.
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return UInt8(String(Substring(digits)), radix: 16)
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(character) : byte < 16 ? "%0\(digits)" : "%\(digits)"
        }
        .joined()
    }
}
