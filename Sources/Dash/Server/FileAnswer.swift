import HTTPTypes
import Hummingbird

/// Serves one file from disk: its type, how long a browser may keep it, and the compressed copy where there is one.
struct FileAnswer: Sendable {
    /// How long a browser may keep a file.
    enum Freshness: Sendable {
        /// The name changes with the content: a year, without asking.
        case immutable
        /// To be asked for each time, with the ETag.
        case revalidated
    }

    /// The file on disk.
    var path: String
    /// The same, compressed, or nil.
    var gzipPath: String?
    /// The `Content-Type`.
    var contentType: String
    /// The strong tag with its quotes.
    var etag: String
    /// The strong tag of the compressed copy.
    var gzipETag: String?
    /// How long it may be kept.
    var freshness: Freshness

    /// The answer to a request with these headers; 304 when the browser has the file already.
    func respond(to headers: HTTPFields, context: some RequestContext) async throws -> Response {
        let gzip = Self.accepts(gzip: headers[.acceptEncoding]) ? gzipPath : nil
        let tag = gzip == nil ? etag : gzipETag ?? etag
        var fields: HTTPFields = [.contentType: contentType, .cacheControl: cacheControl, .eTag: tag]
        if gzipPath != nil { fields[.vary] = "Accept-Encoding" }
        if Self.tags(of: headers[.ifNoneMatch]).contains(where: { $0 == tag || $0 == "*" }) {
            return Response(status: .notModified, headers: fields)
        }
        if gzip != nil { fields[.contentEncoding] = "gzip" }
        let body = try await FileIO().loadFile(path: gzip ?? path, context: context)
        return Response(status: .ok, headers: fields, body: body)
    }

    init(_ file: SuiteFile) {
        self.init(
            path: file.diskPath,
            gzipPath: file.gzipPath,
            contentType: file.contentType,
            etag: file.etag,
            gzipETag: file.gzipETag,
            freshness: file.isFingerprinted ? .immutable : .revalidated
        )
    }

    /// A file of an app's assets folder: any of them may change while the server runs.
    init(_ file: AssetsFolder.File, path: String) {
        self.init(
            path: path,
            contentType: ContentType.of(file.name),
            etag: "\"\(String(file.modified.bitPattern, radix: 36))-\(file.size)\"",
            freshness: .revalidated
        )
    }

    private init(
        path: String,
        gzipPath: String? = nil,
        contentType: String,
        etag: String,
        gzipETag: String? = nil,
        freshness: Freshness
    ) {
        self.path = path
        self.gzipPath = gzipPath
        self.contentType = contentType
        self.etag = etag
        self.gzipETag = gzipETag
        self.freshness = freshness
    }

    private var cacheControl: String {
        switch freshness {
        case .immutable: "public, max-age=31536000, immutable"
        case .revalidated: "no-cache"
        }
    }

    /// The tags of `If-None-Match`; a weak tag counts as its strong one, which is enough for a GET (RFC 9110 §13.1.2).
    private static func tags(of header: String?) -> [Substring] {
        (header ?? "").split(separator: ",").map { tag in
            let tag = tag.drop { $0 == " " }
            return tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        }
    }

    /// Whether `Accept-Encoding` names gzip, and not with a weight of zero.
    private static func accepts(gzip header: String?) -> Bool {
        (header ?? "").lowercased().split(separator: ",").contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "gzip" || parts.first == "*" else { return false }
            return !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" || $0 == "q=0.00" || $0 == "q=0.000" }
        }
    }
}
