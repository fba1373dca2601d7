package import DashJSON
import Foundation

/// The files of the suites that an app uses: which may be served, and by which URLs a page loads them.
///
/// The table is made once, at start; afterwards nothing is looked up on disk, so only registered files can be served.
package struct SuiteFiles: Sendable {
    /// The manifests, in the order in which a page loads them.
    package let manifests: [SuiteManifest]
    private let files: [String: SuiteFile]
    let fingerprintTime: UInt32

    /// Makes the table.
    ///
    /// - Parameters:
    ///   - folder: Where the suites are installed.
    ///   - suites: The manifests of the suites besides Dash's own.
    /// - Throws: `SuiteError` with code `.wrongFolder` if a script or style sheet of a suite is not in the folder.
    package init(folder: SuiteFolder, suites: [SuiteManifest] = []) throws(SuiteError) {
        manifests = Self.unique(SuiteManifest.core + suites)
        fingerprintTime = folder.lock.fingerprintTime
        var files: [String: SuiteFile] = [:]
        for manifest in manifests {
            let needed = Set(manifest.scripts.compactMap(\.path) + manifest.styles)
            for path in manifest.files {
                let key = Self.key(package: manifest.package, path: path)
                if let file = SuiteFile(at: folder.path + "/" + key, lock: folder.lock) {
                    files[key] = file
                } else if needed.contains(path) {
                    throw Self.missing(key, in: folder)
                }
            }
        }
        self.files = files
    }

    /// A table of no files, for a site whose pages no browser loads: their addresses are known, their content is not.
    init(withoutFilesOf suites: [SuiteManifest], lock: SuiteLock) {
        manifests = Self.unique(SuiteManifest.core + suites)
        fingerprintTime = lock.fingerprintTime
        files = [:]
    }

    /// The file for a request to `_dash-component-suites/PACKAGE/PATH`; nil, which means 404, if it is not registered.
    ///
    /// - Parameters:
    ///   - package: The first part of the path, as it stands in the URL.
    ///   - path: The rest, as it stands in the URL: percent escapes are decoded here, once.
    package func file(package: String, path: String) -> SuiteFile? {
        guard let package = package.removingPercentEncoding, let path = path.removingPercentEncoding else { return nil }
        let key = Self.key(package: package, path: path)
        if let file = files[key] { return file }
        let (plain, isMarked) = Fingerprint.parse(key)
        guard isMarked, var file = files[plain] else { return nil }
        file.isFingerprinted = true
        return file
    }

    /// `children_props` of the page's configuration: for each namespace and component the properties with components.
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

    /// The packages the files come from, each once, in the order of the page.
    var packages: [String] {
        var seen: Set<String> = []
        return manifests.map(\.package).filter { seen.insert($0).inserted }
    }

    private static func key(package: String, path: String) -> String { package + "/" + path }

    /// Without repetitions: an app may name a suite twice.
    private static func unique(_ manifests: [SuiteManifest]) -> [SuiteManifest] {
        var seen: Set<SuiteManifest> = []
        return manifests.filter { seen.insert($0).inserted }
    }

    private static func missing(_ key: String, in folder: SuiteFolder) -> SuiteError {
        SuiteError(
            .wrongFolder,
            "The suites in \(folder.path) lack the file \(key). Remove the folder and run: swift run dash-swift install"
        )
    }
}

extension SuiteFile {
    /// Reads the sizes of a file and its gzip form; nil if there is no such file.
    init?(at path: String, lock: SuiteLock) {
        guard let size = Self.size(of: path) else { return nil }
        let gzip = Self.size(of: path + ".gz")
        let tag = "\(lock.digest.prefix(16))-\(String(size, radix: 16))"
        self.init(
            diskPath: path,
            size: size,
            gzipPath: gzip.map { _ in path + ".gz" },
            gzipSize: gzip ?? 0,
            contentType: ContentType.of(path),
            etag: "\"\(tag)\"",
            gzipETag: "\"\(tag)-gzip\"",
            isFingerprinted: false
        )
    }

    private static func size(of path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else { return nil }
        return (attributes?[.size] as? NSNumber)?.intValue
    }
}
