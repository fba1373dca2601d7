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
