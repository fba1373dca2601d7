import Foundation

/// A folder in which the suites of a lock are installed.
package struct SuiteFolder: Sendable, Hashable {
    /// The folder's absolute path.
    package let path: String
    /// The wheels that are there for certain.
    package let lock: SuiteLock

    /// Takes a folder if its stamp says that all wheels of the lock are in it.
    package init?(path: String, lock: SuiteLock) {
        guard let stamp = SuiteStamp(folder: path), stamp.covers(lock) else { return nil }
        self.path = path
        self.lock = lock
    }

    /// Finds the suites: in `DASH_SUITES`, beside the executable, in `.dash/suites`, in the user's cache folder.
    ///
    /// - Parameters:
    ///   - lock: The wheels that must be there.
    ///   - search: Where to look.
    /// - Throws: `SuiteError`: `.wrongFolder` if `DASH_SUITES` names a folder without them, else `.notInstalled`.
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

    /// Where the suites of a lock are to be installed: in `DASH_SUITES` if set, else in the user's cache folder.
    ///
    /// - Throws: `SuiteError` with code `.storage` if there is no such folder.
    package static func defaultTarget(
        for lock: SuiteLock = .pinned,
        search: SuiteSearch = .current
    ) throws(SuiteError) -> String {
        guard let path = search.namedFolder ?? search.cacheFolder(for: lock) else {
            throw SuiteError(.storage, "There is no home folder to install the suites in. Set DASH_SUITES or HOME.")
        }
        return path
    }

    private static func wrong(_ path: String, lock: SuiteLock) -> SuiteError {
        SuiteError(
            .wrongFolder,
            "DASH_SUITES names \(path), which does not hold the suites this program needs. "
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

/// The file that is written last into a folder of suites and says which wheels are in it.
struct SuiteStamp: Sendable, Hashable {
    static let fileName = "suites.stamp"
    /// Changes when the way a folder is laid out changes.
    private static let heading = "dash-swift suites, layout 1"

    var wheels: Set<String>

    init(of lock: SuiteLock) {
        wheels = Set(lock.wheels.map(\.requirement))
    }

    /// Reads the stamp of a folder; nil if there is none or it is of another layout.
    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/" + Self.fileName, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard lines.first == Self.heading else { return nil }
        wheels = Set(lines.dropFirst())
    }

    /// Whether a folder with this stamp has every wheel of a lock; more wheels do no harm.
    func covers(_ lock: SuiteLock) -> Bool {
        wheels.isSuperset(of: lock.wheels.map(\.requirement))
    }

    var text: String {
        ([Self.heading] + wheels.sorted()).joined(separator: "\n") + "\n"
    }
}

/// What decides where the suites are looked for: the environment and the folders of this process.
package struct SuiteSearch: Sendable {
    /// The environment's variables.
    package var environment: [String: String]
    /// The folder of the executable; nil if not known.
    package var executableFolder: String?
    /// The folder the process was started in.
    package var workingFolder: String

    package init(environment: [String: String], executableFolder: String?, workingFolder: String) {
        self.environment = environment
        self.executableFolder = executableFolder
        self.workingFolder = workingFolder
    }

    /// That of this process.
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

    /// The folder in the user's cache that belongs to a lock; nil if there is neither a cache nor a home folder.
    package func cacheFolder(for lock: SuiteLock) -> String? {
        let leaf = "/dash-swift/suites-\(lock.digest.prefix(12))"
        // The rule of the XDG specification: a path that is not absolute does not count.
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + leaf }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return home + "/.cache" + leaf
    }

    /// Where suites are looked for when no folder is named, in order.
    package func folders(for lock: SuiteLock) -> [String] {
        [executableFolder.map { $0 + "/suites" }, workingFolder + "/.dash/suites", cacheFolder(for: lock)]
            .compactMap(\.self)
    }

    /// A path made absolute by the working folder.
    package func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : workingFolder + "/" + path
    }
}
