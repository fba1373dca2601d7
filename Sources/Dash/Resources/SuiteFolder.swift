import Foundation

/// A folder with the installed suites of a lock.
package struct SuiteFolder: Sendable, Hashable {
    /// The folder's absolute path.
    package let path: String
    /// The wheels that are known to be installed.
    package let lock: SuiteLock

    /// Opens a folder; nil unless its stamp lists all wheels of the lock.
    package init?(path: String, lock: SuiteLock) {
        guard let stamp = SuiteStamp(folder: path), stamp.covers(lock) else { return nil }
        self.path = path
        self.lock = lock
    }

    /// Searches `DASH_SUITES`, the executable's folder, `.dash/suites` and the user's cache folder.
    ///
    /// - Parameters:
    ///   - lock: The required wheels.
    ///   - search: Where to search.
    /// - Throws: `SuiteError`: `.wrongFolder` if `DASH_SUITES` names a folder without the wheels, otherwise
    ///   `.notInstalled`.
    package static func locate(
        _ lock: SuiteLock = .pinned,
        search: SuiteSearch = .current
    ) throws(SuiteError) -> SuiteFolder {
        if let named = search.namedFolder {
            guard let folder = SuiteFolder(path: named, lock: lock) else { throw wrong(named, lock: lock) }
            return folder
        }
        let folders = search.folders(for: lock)
        for path in folders {
            if let folder = SuiteFolder(path: path, lock: lock) { return folder }
        }
        throw SuiteError(
            .notInstalled,
            "The component suites are not installed. Run: \(command(for: lock))",
            cause: "Looked in: " + folders.joined(separator: ", ")
        )
    }

    /// Where to install the suites of a lock: in `DASH_SUITES` if set, otherwise in the user's cache folder.
    ///
    /// - Throws: `SuiteError` with code `.storage` if there is no such folder.
    package static func defaultTarget(
        for lock: SuiteLock = .pinned,
        search: SuiteSearch = .current
    ) throws(SuiteError) -> String {
        guard let path = search.namedFolder ?? search.cacheFolder(for: lock) else {
            throw SuiteError(.storage, "No home folder was found to install the suites in. Set DASH_SUITES or HOME.")
        }
        return path
    }

    private static func wrong(_ path: String, lock: SuiteLock) -> SuiteError {
        SuiteError(
            .wrongFolder,
            "DASH_SUITES names \(path), which does not contain the suites that this program needs. "
                + "Run: \(command(for: lock)) --into \(path)"
        )
    }

    /// The command that installs the wheels of a lock.
    private static func command(for lock: SuiteLock) -> String {
        let further = lock.wheels.filter { !SuiteLock.pinned.wheels.contains($0) }
        guard !further.isEmpty else { return "swift run dash-swift install" }
        let names = further.map(\.name).joined(separator: ", ")
        return "swift run dash-swift install --lock (the suites.lock that was generated for \(names))"
    }
}

/// The file that lists the wheels in a folder of suites; it is written last.
struct SuiteStamp: Sendable, Hashable {
    static let fileName = "suites.stamp"
    /// Changes with the layout of the folder.
    private static let heading = "dash-swift suites, layout 1"

    var wheels: Set<String>

    init(of lock: SuiteLock) {
        wheels = Set(lock.wheels.map(\.requirement))
    }

    /// Reads the stamp of a folder; nil if there is none or it has another layout.
    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/" + Self.fileName, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard lines.first == Self.heading else { return nil }
        wheels = Set(lines.dropFirst())
    }

    /// Whether the folder has every wheel of a lock; additional wheels are allowed.
    func covers(_ lock: SuiteLock) -> Bool {
        wheels.isSuperset(of: lock.wheels.map(\.requirement))
    }

    var text: String {
        ([Self.heading] + wheels.sorted()).joined(separator: "\n") + "\n"
    }
}

/// What determines the search for suites: the environment and folders of a process.
package struct SuiteSearch: Sendable {
    package var environment: [String: String]
    /// The folder of the executable; nil if unknown.
    package var executableFolder: String?
    package var workingFolder: String

    package init(environment: [String: String], executableFolder: String?, workingFolder: String) {
        self.environment = environment
        self.executableFolder = executableFolder
        self.workingFolder = workingFolder
    }

    package static var current: SuiteSearch {
        SuiteSearch(
            environment: ProcessInfo.processInfo.environment,
            executableFolder: Bundle.main.executableURL?.deletingLastPathComponent().path,
            workingFolder: FileManager.default.currentDirectoryPath
        )
    }

    /// The folder named by `DASH_SUITES`; nil if it is unset or empty.
    package var namedFolder: String? {
        environment["DASH_SUITES"].flatMap { $0.isEmpty ? nil : absolute($0) }
    }

    /// The folder of a lock in the user's cache; nil if there is neither a cache nor a home folder.
    package func cacheFolder(for lock: SuiteLock) -> String? {
        let leaf = "/dash-swift/suites-\(lock.digest.prefix(12))"
        // XDG specification: relative paths are ignored.
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + leaf }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return home + "/.cache" + leaf
    }

    /// The folders to search if `DASH_SUITES` is not set, in order.
    package func folders(for lock: SuiteLock) -> [String] {
        [executableFolder.map { $0 + "/suites" }, workingFolder + "/.dash/suites", cacheFolder(for: lock)]
            .compactMap(\.self)
    }

    /// An absolute path, relative to the working folder.
    package func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : workingFolder + "/" + path
    }
}
