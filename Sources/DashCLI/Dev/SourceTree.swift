import Dispatch
import Foundation

/// A snapshot of a package's sources: files, modification times and sizes.
struct SourceTree: Sendable, Equatable {
    private struct Stamp: Sendable, Equatable {
        var modified: Date?
        var size: Int?
    }

    private static let extensions: Set<String> = [
        "swift", "c", "cc", "cpp", "cxx", "m", "mm", "h", "hh", "hpp", "inc", "modulemap", "s", "S",
    ]
    /// Folders that are not part of the program; the running app polls its assets.
    private static let leftOut: Set<String> = ["assets", "node_modules", "Tests"]
    private static let keys: Set<URLResourceKey> = [.isDirectoryKey, .contentModificationDateKey, .fileSizeKey]
    private var stamps: [String: Stamp] = [:]

    /// Takes a snapshot.
    ///
    /// - Parameters:
    ///   - package: The package's folder: its manifest, all files in `Sources`, and code anywhere else.
    ///   - further: Folders of which all files are included.
    ///   - build: The build folder, which is excluded.
    init(package: String, further: [String] = [], build: String? = nil) {
        walk(package, build: build) { name in
            name.hasPrefix("Sources/") || name == "Package.resolved"
                || Self.extensions.contains((name as NSString).pathExtension)
        }
        for folder in further { walk(folder, build: build) { _ in true } }
    }

    private mutating func walk(_ folder: String, build: String?, _ counts: (String) -> Bool) {
        let root = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: Array(Self.keys))
        while let url = walk?.nextObject() as? URL {
            let path = url.standardizedFileURL.path
            let name = String(path.dropFirst(root.path.count + 1))
            let values = try? url.resourceValues(forKeys: Self.keys)
            let isHidden = url.lastPathComponent.hasPrefix(".")
            if values?.isDirectory == true {
                if isHidden || path == build || Self.leftOut.contains(url.lastPathComponent) { walk?.skipDescendants() }
            } else if !isHidden, !name.hasSuffix("~"), counts(name) {
                stamps[path] = Stamp(modified: values?.contentModificationDate, size: values?.fileSize)
            }
        }
    }
}

/// Polls a package's sources, and reports a change after the files are stable.
struct SourceWatch: Sendable {
    /// Takes a snapshot.
    let look: @Sendable () -> SourceTree
    /// The time between two polls, in seconds.
    let pause: Double

    /// Polls on the calling thread until `end` is signalled.
    ///
    /// - Parameters:
    ///   - end: Stops the polling.
    ///   - onChange: Called after a change, when two successive snapshots are equal, since several files may be
    ///     written.
    func run(until end: DispatchSemaphore, _ onChange: () -> Void) {
        var reported = look()
        var last = reported
        // Polling, as not all file systems report changes.
        while end.wait(timeout: .now() + pause) == .timedOut {
            let now = look()
            if now == last, now != reported {
                reported = now
                onChange()
            }
            last = now
        }
    }
}
