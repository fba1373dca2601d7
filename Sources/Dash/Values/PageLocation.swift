public import DashJSON
import Support

/// The address of a page, as provided by a `dcc.Location`: `Input(location: url)`.
///
/// Each part is nil until the component exists. The examples are the parts of `https://host/shop?q=pen&page=2#top`.
public struct PageLocation: Sendable, Hashable {
    /// The path: `/shop`.
    public var pathname: String?
    /// The query with its question mark: `?q=pen&page=2`; empty if there is none.
    public var search: String?
    /// The fragment with its number sign: `#top`; empty if there is none.
    public var hash: String?
    /// The whole address: `https://host/shop?q=pen&page=2#top`.
    public var href: String?

    /// An address; see the properties.
    public init(pathname: String? = nil, search: String? = nil, hash: String? = nil, href: String? = nil) {
        self.pathname = pathname
        self.search = search
        self.hash = hash
        self.href = href
    }

    /// The parameters of the query.
    public var query: QueryParameters { QueryParameters(search ?? "") }
}

/// The decoded parameters of a query such as `?q=pen&page=2`: `query["q"]` is `pen`.
///
/// `+` is a space, `%C3%BC` is `ü`; an invalid escape is left unchanged.
public struct QueryParameters: Sendable, Hashable {
    /// Names and values in query order; a name may occur more than once.
    public var pairs: [Pair]

    /// One parameter.
    public struct Pair: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value; empty if there is none.
        public var value: String

        /// A parameter; see the properties.
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

    /// The parameters of a new query: `QueryParameters([("q", "pen")]).text`.
    public init(_ pairs: [(String, String)]) { self.pairs = pairs.map { Pair($0.0, $0.1) } }

    /// The first value of a name; nil if the name does not occur.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// All values of a name, in order.
    public func values(of name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// The names in query order, without duplicates.
    public var names: [String] { pairs.map(\.name).unique }

    /// Whether there are no parameters.
    public var isEmpty: Bool { pairs.isEmpty }

    /// The query with its question mark, encoded; empty if there are no parameters.
    public var text: String {
        guard !pairs.isEmpty else { return "" }
        let parts = pairs.map { "\(PercentEncoding.text(of: $0.name))=\(PercentEncoding.text(of: $0.value))" }
        return "?" + parts.joined(separator: "&")
    }

    private static func decoded(_ text: Substring) -> String {
        // An unescaped plus sign is a space, as in forms.
        let spaced = text.utf8.lazy.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(decoding: PercentEncoding.lenientBytes(of: spaced), as: UTF8.self)
    }
}

extension PropertyReader where Value == [UploadedFile] {
    init(files upload: dcc.UploadRef, maximumSize: Int) {
        let contents = PropertyRef(upload.contents)
        let companions = [PropertyRef(upload.filename), PropertyRef(upload.lastModified)]
        self.init(ref: contents, companions: companions, companionsRun: false) { arguments in
            try UploadedFile.all(
                contents: arguments.next(),
                names: arguments.next(),
                lastModified: arguments.next(),
                maximumSize: maximumSize
            )
        }
    }
}

extension PropertyReader where Value == PageLocation {
    init(location: dcc.LocationRef) {
        let companions = [PropertyRef(location.search), PropertyRef(location.hash), PropertyRef(location.href)]
        self.init(ref: PropertyRef(location.pathname), companions: companions, companionsRun: true) { arguments in
            try PageLocation(
                pathname: String?(json: arguments.next()),
                search: String?(json: arguments.next()),
                hash: String?(json: arguments.next()),
                href: String?(json: arguments.next())
            )
        }
    }
}

extension Input where Value == [UploadedFile] {
    /// The files of an upload, also with `multiple: true`; empty before the first upload.
    ///
    /// Reads `contents`, `filename` and `last_modified`; a new upload runs the callback once.
    ///
    /// - Parameters:
    ///   - upload: The component.
    ///   - maximumSize: The largest size of a file in bytes.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(
        files upload: dcc.UploadRef,
        maximumSize: Int = UploadedFile.defaultMaximumSize,
        allowOptional: Bool = false
    ) {
        self.init(reader: PropertyReader(files: upload, maximumSize: maximumSize), isOptional: allowOptional)
    }
}

extension State where Value == [UploadedFile] {
    /// The files of an upload; see ``Input/init(files:maximumSize:allowOptional:)``.
    public init(
        files upload: dcc.UploadRef,
        maximumSize: Int = UploadedFile.defaultMaximumSize,
        allowOptional: Bool = false
    ) {
        self.init(reader: PropertyReader(files: upload, maximumSize: maximumSize), isOptional: allowOptional)
    }
}

extension Input where Value == PageLocation {
    /// The address of the page: path, query, hash and the whole. Every change runs the callback.
    ///
    /// - Parameters:
    ///   - location: The component.
    ///   - allowOptional: Whether the callback also runs while the page does not have the component.
    public init(location: dcc.LocationRef, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(location: location), isOptional: allowOptional)
    }
}

extension State where Value == PageLocation {
    /// The address of the page; see ``Input/init(location:allowOptional:)``.
    public init(location: dcc.LocationRef, allowOptional: Bool = false) {
        self.init(reader: PropertyReader(location: location), isOptional: allowOptional)
    }
}

/// Where a `dcc.Store` keeps its data: `dcc.Store(id: cart, storageType: .local)`.
///
/// After a reload, a `local` or `session` store restores its data: it sets `data` and `modified_timestamp`, and runs
/// the callbacks with one of them as an input. To receive the restored data on the first call, use `modifiedTimestamp`
/// (milliseconds since 1970; -1 if nothing is stored) as the input and `data` as a ``State``.
public enum StorageType: String, Sendable, Hashable, CaseIterable, JSONConvertible {
    /// In the page, until a reload.
    case memory
    /// In the browser, for all tabs, until it is cleared.
    case local
    /// In the tab: survives a reload, until the tab is closed.
    case session

    /// Decodes the name.
    ///
    /// - Throws: ``DashError`` with code `type-mismatch` for an unknown name.
    public init(json: JSON) throws {
        guard let type = json.stringValue.flatMap(Self.init(rawValue:)) else {
            throw DashError.typeMismatch(StorageType.self, json)
        }
        self = type
    }

    /// Encodes the name.
    public func encode(to writer: inout JSONWriter) { writer.string(rawValue) }
}
