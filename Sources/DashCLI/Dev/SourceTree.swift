import Dispatch
import Foundation

/// The sources of a package as they are at one moment: which files, when changed, how long.
struct SourceTree: Sendable, Equatable {
    private struct Stamp: Sendable, Equatable {
        var modified: Date?
        var size: Int?
    }

    private static let extensions: Set<String> = [
        "swift", "c", "cc", "cpp", "cxx", "m", "mm", "h", "hh", "hpp", "inc", "modulemap", "s", "S",
    ]
    /// Folders whose files make no program; assets are the business of the app that runs.
    private static let leftOut: Set<String> = ["assets", "node_modules", "Tests"]
    private static let keys: Set<URLResourceKey> = [.isDirectoryKey, .contentModificationDateKey, .fileSizeKey]
    private var stamps: [String: Stamp] = [:]

    /// Walks through folders.
    ///
    /// - Parameters:
    ///   - package: That of the package: its manifest, all files in `Sources`, and files of code anywhere else.
    ///   - further: Folders of which all files count.
    ///   - build: The folder that is built into, which is left out.
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

/// Looks at a package's sources again and again, and tells when they have changed and come to rest.
struct SourceWatch: Sendable {
    /// Looks once.
    let look: @Sendable () -> SourceTree
    /// How long it waits between two looks, in seconds.
    let pause: Double

    /// Looks on the calling thread until the end.
    ///
    /// - Parameters:
    ///   - end: Signalled when it is to stop.
    ///   - onChange: Called after a change, when two looks in a row saw the same: somebody may write many files.
    func run(until end: DispatchSemaphore, _ onChange: () -> Void) {
        var told = look()
        var last = told
        // Files do not tell by themselves that they changed, on all systems and file systems.
        while end.wait(timeout: .now() + pause) == .timedOut {
            let now = look()
            if now == last, now != told {
                told = now
                onChange()
            }
            last = now
        }
    }
}
