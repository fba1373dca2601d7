import Foundation
import NIOPosix

/// The files of an app's `assets` folder: which there are, which go into the page, and in what order.
///
/// Dash's rule (dash-protocol §3): folders in sorted order, the root first, the files of each sorted by name; names that
/// end in `js` or `mjs` are scripts, in `css` style sheets; a `favicon.ico` is the icon.
struct AssetsFolder: Sendable {
    /// One file.
    struct File: Sendable, Equatable {
        /// The path below the folder, with `/` between its parts.
        let name: String
        /// Seconds since 1970, which the page's URL carries so that a changed file is fetched anew.
        let modified: Double
        /// Length in bytes.
        let size: Int
    }

    /// The folder's absolute path.
    let path: String
    /// Every regular file, in the order of the rule.
    let files: [File]
    /// Those that go into the page.
    private let included: [File]
    private let places: [String: Int]
    private static let keys: Set<URLResourceKey> = [
        .isRegularFileKey, .isSymbolicLinkKey, .contentModificationDateKey, .fileSizeKey,
    ]

    /// Walks the folder. A folder that does not exist has no files. Links are left out: they could lead anywhere.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - options: which files go into the page.
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

    /// The file of this name as it is now; nil for one that was not there when the folder was walked, or is gone.
    func file(named name: String) async throws -> File? {
        guard places[name] != nil else { return nil }
        let path = path
        return try await NIOThreadPool.singleton.runIfActive {
            File(name: name, at: URL(fileURLWithPath: path + "/" + name), keys: Self.keys)
        }
    }

    /// The files that are scripts.
    var scripts: [File] { included.filter { $0.name.hasSuffix(".js") || $0.name.hasSuffix(".mjs") } }

    /// The files that are style sheets.
    var stylesheets: [File] { included.filter { $0.name.hasSuffix(".css") } }

    /// The icon; the last one wins, as in Dash.
    var favicon: File? { files.last { $0.name == "favicon.ico" || $0.name.hasSuffix("/favicon.ico") } }

    private static func order(_ name: String) -> (String, String) {
        guard let slash = name.lastIndex(of: "/") else { return ("", name) }
        return (String(name[..<slash]), String(name[slash...]))
    }
}

extension AssetsOptions {
    /// Tells which files go into the page. A pattern that is none, which is a finding at start, leaves out nothing.
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
    /// Looks at a file; nil for what is no regular file, such as a link.
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
