import Foundation
import HTTPTypes
import Hummingbird
import NIOPosix

/// A served file on disk, with the data of its response headers.
package struct ServedFile: Sendable, Hashable {
    /// `Cache-Control` of a file whose name changes with its content.
    static let immutable = "public, max-age=31536000, immutable"

    package var path: String
    /// The path of the compressed copy; nil if there is none.
    package var gzipPath: String?
    package var contentType: String
    /// The strong entity tag, with quotes; for suites the same on every server with the same lock.
    package var etag: String
    /// Whether the requested name changes with the content.
    package var isFingerprinted = false

    /// The strong entity tag of the compressed copy.
    package var gzipETag: String { "\(etag.dropLast())-gzip\"" }

    /// `Cache-Control`: fingerprinted files are immutable, others are revalidated.
    package var cacheControl: String { isFingerprinted ? Self.immutable : "no-cache" }
}

extension ServedFile {
    /// A file of an app's assets folder; it may change while the server runs.
    init(_ file: AssetsFolder.File, in folder: AssetsFolder) {
        let etag = "\"\(String(file.modified.bitPattern, radix: 36))-\(file.size)\""
        self.init(path: "\(folder.path)/\(file.name)", contentType: ContentType.of(file.name), etag: etag)
    }

    /// The response to a request with these headers; 304 if the browser has the current version.
    func respond(to headers: HTTPFields, context: some RequestContext) async throws -> Response {
        let gzip = Self.accepts(gzip: headers[.acceptEncoding]) ? gzipPath : nil
        let tag = gzip == nil ? etag : gzipETag
        var fields: HTTPFields = [.contentType: contentType, .cacheControl: cacheControl, .eTag: tag]
        if gzipPath != nil { fields[.vary] = "Accept-Encoding" }
        if Self.tags(of: headers[.ifNoneMatch]).contains(where: { $0 == tag || $0 == "*" }) {
            return Response(status: .notModified, headers: fields)
        }
        if gzip != nil { fields[.contentEncoding] = "gzip" }
        let body = try await FileIO().loadFile(path: gzip ?? path, context: context)
        return Response(status: .ok, headers: fields, body: body)
    }

    /// The tags of `If-None-Match`; a weak tag counts as strong, which is enough for a GET (RFC 9110 §13.1.2).
    private static func tags(of header: String?) -> [Substring] {
        (header ?? "").split(separator: ",").map { tag in
            let tag = tag.drop { $0 == " " }
            return tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        }
    }

    /// Whether `Accept-Encoding` contains gzip with a weight other than zero.
    private static func accepts(gzip header: String?) -> Bool {
        (header ?? "").lowercased().split(separator: ",").contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "gzip" || parts.first == "*" else { return false }
            return !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" || $0 == "q=0.00" || $0 == "q=0.000" }
        }
    }
}

/// The files of an app's `assets` folder, and those the page includes, in order.
///
/// Dash's rule (docs/protocol.md, Files and assets): folders in sorted order, the root first, the files of each by
/// name. Names that end in `js` or `mjs` are scripts, in `css` style sheets; `favicon.ico` is the icon.
struct AssetsFolder: Sendable {
    struct File: Sendable, Equatable {
        /// The path relative to the folder, separated by `/`.
        let name: String
        /// Modification time in seconds since 1970; part of the URL, so that a changed file is fetched again.
        let modified: Double
        /// Length in bytes.
        let size: Int
    }

    /// The folder's absolute path.
    let path: String
    /// Every regular file, in Dash's order.
    let files: [File]
    /// The files that the page includes.
    private let included: [File]
    private let places: [String: Int]
    private static let keys: Set<URLResourceKey> = [
        .isRegularFileKey, .isSymbolicLinkKey, .contentModificationDateKey, .fileSizeKey,
    ]

    /// Reads the folder. A folder that does not exist has no files. Links are skipped, since they could lead out of the
    /// folder.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - options: Which files the page includes.
    init(path: String, _ options: AssetsOptions = AssetsOptions()) {
        self.path = path
        let root = URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: Array(Self.keys))
        var found: [File] = []
        while let url = walk?.nextObject() as? URL {
            let name = String(url.standardizedFileURL.path.dropFirst(root.path.count + 1))
            if let file = File(name: name, at: url, keys: Self.keys) { found.append(file) }
        }
        files = found.sorted { Self.order($0.name) < Self.order($1.name) }
        included = options.isIncluded ? files.filter(options.filter()) : []
        places = Dictionary(files.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// The current state of a file; nil if it was not found when the folder was read, or no longer exists.
    func file(named name: String) async throws -> File? {
        guard places[name] != nil else { return nil }
        let path = path
        return try await NIOThreadPool.singleton.runIfActive {
            File(name: name, at: URL(fileURLWithPath: path + "/" + name), keys: Self.keys)
        }
    }

    var scripts: [File] { included.filter { $0.name.hasSuffix(".js") || $0.name.hasSuffix(".mjs") } }

    var stylesheets: [File] { included.filter { $0.name.hasSuffix(".css") } }

    /// The icon; the last one found, as in Dash.
    var favicon: File? { files.last { $0.name == "favicon.ico" || $0.name.hasSuffix("/favicon.ico") } }

    private static func order(_ name: String) -> (String, String) {
        guard let slash = name.lastIndex(of: "/") else { return ("", name) }
        return (String(name[..<slash]), String(name[slash...]))
    }
}

extension AssetsOptions {
    /// A predicate for the files that the page includes. Ignores an invalid pattern, which is reported at start.
    fileprivate func filter() -> (AssetsFolder.File) -> Bool {
        let names = ignore.flatMap { try? Regex($0) }
        let folders = ignoreFolders.compactMap { try? Regex($0) }
        return { file in
            let parts = file.name.split(separator: "/")
            if let names, let name = parts.last, name.firstMatch(of: names) != nil { return false }
            return !parts.dropLast().contains { part in folders.contains { part.firstMatch(of: $0) != nil } }
        }
    }
}

extension AssetsFolder.File {
    /// Reads a file's attributes; nil if it is not a regular file.
    fileprivate init?(name: String, at url: URL, keys: Set<URLResourceKey>) {
        guard let values = try? url.resourceValues(forKeys: keys) else { return nil }
        guard values.isRegularFile == true, values.isSymbolicLink != true else { return nil }
        self.init(
            name: name,
            modified: values.contentModificationDate?.timeIntervalSince1970 ?? 0,
            size: values.fileSize ?? 0
        )
    }
}

/// The default icon: three bars, as a 16 × 16 Windows icon file.
enum Favicon {
    private static let side = 16
    private static let barHeights = [5, 9, 13]
    private static let blue: [UInt8] = [0xD9, 0x72, 0x1E, 0xFF]  // BGRA
    private static let clear: [UInt8] = [0, 0, 0, 0]

    /// The file's bytes: a directory of one image, its bitmap header, the pixels from the bottom row up, an empty mask.
    static let bytes: [UInt8] = {
        let pixels = (0..<side).flatMap { row in (0..<side).flatMap { column in pixel(row, column) } }
        let mask = [UInt8](repeating: 0, count: side * 4)
        let header = numbers(40, 4) + numbers(side, 4) + numbers(2 * side, 4) + numbers(1, 2) + numbers(32, 2)
        let image = header + [UInt8](repeating: 0, count: 24) + pixels + mask
        let directory = numbers(0, 2) + numbers(1, 2) + numbers(1, 2)
        let entry = [UInt8(side), UInt8(side), 0, 0] + numbers(1, 2) + numbers(32, 2) + numbers(image.count, 4)
        return directory + entry + numbers(22, 4) + image
    }()

    private static func pixel(_ rowFromBottom: Int, _ column: Int) -> [UInt8] {
        let bar = column / 5
        let isGap = column % 5 == 4 || column == 15
        guard !isGap, bar < barHeights.count, rowFromBottom >= 1, rowFromBottom <= barHeights[bar] else { return clear }
        return blue
    }

    private static func numbers(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
