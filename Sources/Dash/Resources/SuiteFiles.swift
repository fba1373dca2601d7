package import DashJSON
import Foundation
import Support

/// The served files of an app's suites, and the URLs by which a page loads them.
///
/// The table is built once at start and requests do not search the disk, so only registered files are served.
package struct SuiteFiles: Sendable {
    /// The manifests, in the order in which a page loads them.
    package let manifests: [SuiteManifest]
    private let files: [String: ServedFile]
    let fingerprintTime: UInt32

    /// Builds the table.
    ///
    /// - Parameters:
    ///   - folder: The folder with the installed suites.
    ///   - suites: The manifests of the suites other than Dash's own.
    /// - Throws: `SuiteError` with code `.wrongFolder` if the folder lacks a script or style sheet of a suite.
    package init(folder: SuiteFolder, suites: [SuiteManifest] = []) throws(SuiteError) {
        // An app may list a suite twice.
        manifests = (SuiteManifest.core + suites).unique
        fingerprintTime = folder.lock.fingerprintTime
        var files: [String: ServedFile] = [:]
        for manifest in manifests {
            let needed = Set(manifest.scripts.compactMap(\.path) + manifest.styles)
            for path in manifest.files {
                let key = Self.key(package: manifest.package, path: path)
                if let file = ServedFile(at: folder.path + "/" + key, lock: folder.lock) {
                    files[key] = file
                } else if needed.contains(path) {
                    throw Self.missing(key, in: folder)
                }
            }
        }
        self.files = files
    }

    /// A table without files, for a site that no browser loads: URLs are known, contents are not.
    init(withoutFilesOf suites: [SuiteManifest], lock: SuiteLock) {
        manifests = (SuiteManifest.core + suites).unique
        fingerprintTime = lock.fingerprintTime
        files = [:]
    }

    /// The file for a request to `_dash-component-suites/PACKAGE/PATH`; nil (status 404) if it is not registered.
    ///
    /// - Parameters:
    ///   - package: The first part of the path, percent-encoded as in the URL.
    ///   - path: The rest of the path, percent-encoded as in the URL.
    package func file(package: String, path: String) -> ServedFile? {
        guard let package = package.removingPercentEncoding, let path = path.removingPercentEncoding else { return nil }
        let key = Self.key(package: package, path: path)
        if let file = files[key] { return file }
        let (plain, isMarked) = Fingerprint.parse(key)
        guard isMarked, var file = files[plain] else { return nil }
        file.isFingerprinted = true
        return file
    }

    /// `children_props` of the page's configuration: for each namespace and component, the properties that contain
    /// components.
    package var childrenProps: JSON {
        var namespaces = JSONObject()
        for manifest in manifests {
            guard let namespace = manifest.namespace else { continue }
            var components = JSONObject()
            for entry in manifest.childrenProps.entries {
                components[entry.component] = .array(entry.paths.map { .string($0) })
            }
            namespaces[namespace] = .object(components)
        }
        return .object(namespaces)
    }

    /// The packages of the files without duplicates, in the order of the page.
    var packages: [String] { manifests.map(\.package).unique }

    private static func key(package: String, path: String) -> String { package + "/" + path }

    private static func missing(_ key: String, in folder: SuiteFolder) -> SuiteError {
        SuiteError(
            .wrongFolder,
            "The suites in \(folder.path) lack the file \(key). Remove the folder and run: swift run dash-swift install"
        )
    }
}

extension ServedFile {
    /// A file with its gzip copy; nil if the file does not exist.
    init?(at path: String, lock: SuiteLock) {
        guard let size = Self.size(of: path) else { return nil }
        let gzipPath = Self.size(of: path + ".gz").map { _ in path + ".gz" }
        let etag = "\"\(lock.digest.prefix(16))-\(String(size, radix: 16))\""
        self.init(path: path, gzipPath: gzipPath, contentType: ContentType.of(path), etag: etag)
    }

    private static func size(of path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else { return nil }
        return (attributes?[.size] as? NSNumber)?.intValue
    }
}

// MARK: - Page

extension SuiteFiles {
    /// The URLs of the scripts at one position of the page, in order, with fingerprints.
    ///
    /// A page loads `.dependencies`, external scripts, `.suite`, the app's assets, `.core`.
    ///
    /// - Parameters:
    ///   - place: The position.
    ///   - prefix: The prefix of all requests of the browser, with a slash at both ends.
    ///   - development: Whether to use development builds, with names and warnings of React.
    package func scripts(_ place: SuiteManifest.Place, prefix: String, development: Bool = false) -> [String] {
        manifests.filter { $0.place == place }.flatMap { manifest in
            manifest.scripts
                .compactMap { development ? $0.development ?? $0.path : $0.path }
                .map { url(of: $0, in: manifest, prefix: prefix) }
        }
    }

    /// The URLs of the suites' style sheets, in order, with fingerprints.
    ///
    /// - Parameter prefix: The prefix of all requests of the browser, with a slash at both ends.
    package func styles(prefix: String) -> [String] {
        manifests.flatMap { manifest in manifest.styles.map { url(of: $0, in: manifest, prefix: prefix) } }
    }

    private func url(of path: String, in manifest: SuiteManifest, prefix: String) -> String {
        let marked = Fingerprint.mark(path, version: manifest.version, time: fingerprintTime)
        return "\(prefix)_dash-component-suites/\(manifest.package)/\(marked)"
    }
}

/// Content types by file name.
enum ContentType {
    /// The content type; `application/octet-stream` for unknown extensions.
    static func of(_ path: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        guard let dot = file.lastIndex(of: ".") else { return fallback }
        return table[file[file.index(after: dot)...].lowercased()] ?? fallback
    }

    private static let fallback = "application/octet-stream"

    private static let table = [
        "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "map": "application/json",
        "json": "application/json",
        "html": "text/html; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
        "csv": "text/csv; charset=utf-8",
        "md": "text/markdown; charset=utf-8",
        "xml": "application/xml",
        "pdf": "application/pdf",
        "svg": "image/svg+xml",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "gif": "image/gif",
        "webp": "image/webp",
        "avif": "image/avif",
        "ico": "image/x-icon",
        "woff": "font/woff",
        "woff2": "font/woff2",
        "ttf": "font/ttf",
        "otf": "font/otf",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
        "webm": "video/webm",
        "wasm": "application/wasm",
    ]
}

/// File names with a version, so that a browser can cache the file permanently.
///
/// `react@18.3.1.min.js` becomes `react@18.v4_4_1m1700000000.3.1.min.js`: the fingerprint follows the first dot.
enum Fingerprint {
    /// The path with a fingerprint.
    ///
    /// - Parameters:
    ///   - path: A path; returned unchanged if its last part has no dot.
    ///   - version: The version of the suite.
    ///   - time: The modification time.
    static func mark(_ path: String, version: String, time: UInt32) -> String {
        let start = startOfName(in: path)
        guard let dot = path[start...].firstIndex(of: ".") else { return path }
        let version = String(version.unicodeScalars.map { isWord($0) ? Character($0) : "_" })
        return "\(path[..<dot]).v\(version)m\(time)\(path[dot...])"
    }

    /// The path without its fingerprint, and whether it had one.
    static func parse(_ path: String) -> (path: String, isMarked: Bool) {
        let start = startOfName(in: path)
        let parts = path[start...].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, isMark(parts[1]) else { return (path, false) }
        let name = ([parts[0]] + parts[2...]).joined(separator: ".")
        return (path[..<start] + name, true)
    }

    private static func startOfName(in path: String) -> String.Index {
        path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
    }

    /// Whether a part is `v`, a version, `m` and hexadecimal digits.
    private static func isMark(_ part: Substring) -> Bool {
        guard part.first == "v", let end = part.lastIndex(of: "m") else { return false }
        let version = part[part.index(after: part.startIndex)..<end]
        let time = part[part.index(after: end)...]
        return !version.isEmpty && version.unicodeScalars.allSatisfy(isWord)
            && !time.isEmpty && time.utf8.allSatisfy { Hexadecimal.value($0) != nil }
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}
