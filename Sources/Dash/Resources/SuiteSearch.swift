import Foundation

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
