import Crypto
import DashJSON
import Dispatch
import Foundation
import ServiceLifecycle
import Support
import Synchronization

/// Polls the assets and the build report, and reports changes to pages.
///
/// Uses a separate thread, since reading folders blocks.
final class HotReload: Service {
    private let assets: [LiveAssets]
    private let watchInterval: Duration
    private let reportFile: String?
    /// What ended the previous server.
    private let trap: TrapReport?
    private let report = Mutex<BuildReport?>(nil)

    /// - Parameters:
    ///   - assets: The assets of all apps.
    ///   - watchInterval: The time between two polls.
    ///   - reportFile: The report of `dash-swift dev`; nil if it did not start this program.
    ///   - trap: What ended the previous server; nil for no trap, or one that pages may not see.
    init(_ assets: [LiveAssets], watchInterval: Duration, reportFile: String?, trap: TrapReport? = nil) {
        self.trap = trap
        self.assets = assets
        self.watchInterval = watchInterval
        self.reportFile = reportFile
        report.withLock { $0 = reportFile.flatMap(BuildReport.init(file:)) }
    }

    /// The id of the trap that ended the previous server.
    var trapID: String? { trap?.id }

    /// Polls once.
    func look() {
        for folder in assets { folder.look() }
        let found = reportFile.flatMap(BuildReport.init(file:))
        report.withLock { $0 = found }
    }

    /// Polls until the server shuts down.
    func run() async throws {
        let end = DispatchSemaphore(value: 0)
        let pause = watchInterval / .seconds(1)
        async let watching: Void = OwnThread.run { [self] in
            // Polling, as in Dash: not all file systems report changes.
            while end.wait(timeout: .now() + pause) == .timedOut { look() }
        }
        try? await gracefulShutdown()
        end.signal()
        try await watching
    }

    /// The response to `_reload-hash`.
    ///
    /// - Parameters:
    ///   - app: The page's app.
    ///   - seen: The state that the page has; nil if not given.
    ///   - detail: The details of errors that pages may show.
    func answer(for app: ServedApp, seen: String?, _ detail: ErrorDetail) -> [UInt8] {
        let news = app.assets.news(since: seen)
        var body: JSON = [
            "reloadHash": .string(news.hash),
            "hard": .bool(news.isHard),
            "packages": .array(app.suites.packages.map { .string($0) }),
            "files": .array(news.files.map { $0.json(url: app.assetURL($0.name)) }),
        ]
        if let report = report.withLock({ $0 }) { body["build"] = report.json }
        if let trap { body["trap"] = trap.json(detail) }
        return body.serialized()
    }
}

extension ReloadHistory.File {
    /// The format of the renderer; a time that is not positive means that the file was removed.
    fileprivate func json(url: String) -> JSON {
        ["url": .string(url), "modified": .double(modified ?? -1), "is_css": .bool(isStylesheet)]
    }
}

/// The history of an app's assets, for the changes that each page has not seen.
///
/// Stock Dash reports a change to the first request only, so the second of two tabs misses it (defect 22). Here the
/// page sends the state that it has, and reading does not change anything.
struct ReloadHistory: Sendable {
    /// The changes for a page.
    struct News: Sendable, Equatable {
        /// The current state.
        var hash: String
        /// Whether more than the layout and the callbacks may have changed since the page's state.
        var isHard: Bool
        /// The files changed since then.
        var files: [File]
    }

    /// A changed file.
    struct File: Sendable, Equatable {
        /// The path relative to the folder.
        var name: String
        /// Seconds since 1970; nil for a removed file.
        var modified: Double?

        var isStylesheet: Bool { name.hasSuffix(".css") }
    }

    private struct State {
        var hash: String
        /// The difference from the previous state.
        var changed: [String]
    }

    /// The most states kept; a page with an older one reloads.
    private static let longest = 1_000
    private let launch: String
    private var states: [State]
    private var files: [String: AssetsFolder.File]

    /// - Parameters:
    ///   - launch: Identifies the launch of the program: unchanged after a trap, when pages continue; new after a
    ///     rebuild.
    ///   - files: The current files.
    init(launch: String, files: [AssetsFolder.File]) {
        self.launch = launch
        let files = Self.watched(files)
        self.files = files
        states = [State(hash: Self.hash(launch, files), changed: [])]
    }

    /// The current state.
    var hash: String { states.last?.hash ?? "" }

    /// Updates the history with the current files.
    mutating func update(_ found: [AssetsFolder.File]) {
        let found = Self.watched(found)
        let changed = Set(files.keys).union(found.keys).filter { files[$0] != found[$0] }.sorted()
        guard !changed.isEmpty else { return }
        files = found
        states.append(State(hash: Self.hash(launch, found), changed: changed))
        if states.count > Self.longest { states.removeFirst(states.count - Self.longest) }
    }

    /// The changes for a page.
    ///
    /// - Parameter seen: The page's state; nil returns every change.
    func news(since seen: String?) -> News {
        guard let seen else { return news(after: states.startIndex) }
        guard let place = states.lastIndex(where: { $0.hash == seen }) else {
            return News(hash: hash, isHard: true, files: [])
        }
        return news(after: place)
    }

    private func news(after place: Int) -> News {
        let changed = Set(states[(place + 1)...].flatMap(\.changed)).sorted()
        let changedFiles = changed.map { File(name: $0, modified: files[$0]?.modified) }
        return News(hash: hash, isHard: !changedFiles.isEmpty, files: changedFiles)
    }

    /// Without temporary and hidden files of editors.
    private static func watched(_ files: [AssetsFolder.File]) -> [String: AssetsFolder.File] {
        let kept = files.filter { file in
            !file.name.hasSuffix("~") && !file.name.split(separator: "/").contains { $0.hasPrefix(".") }
        }
        return Dictionary(kept.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    private static func hash(_ launch: String, _ files: [String: AssetsFolder.File]) -> String {
        var hash = SHA256()
        hash.update(data: Array(launch.utf8))
        for file in files.values.sorted(by: { $0.name < $1.name }) {
            hash.update(data: Array("\0\(file.name)\0\(file.modified)\0\(file.size)".utf8))
        }
        return Hexadecimal.text(hash.finalize().prefix(16))
    }
}

/// The current assets of an app, read once and again by each poll of hot reload.
final class LiveAssets: Sendable {
    /// The files and the state's hash at one time.
    struct Now: Sendable {
        let folder: AssetsFolder
        let hash: String
    }

    private struct State {
        var folder: AssetsFolder
        var history: ReloadHistory
    }

    private let path: String
    private let options: AssetsOptions
    private let state: Mutex<State>

    /// Reads the folder.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - options: Which files the page includes.
    ///   - launch: Identifies this launch of the program.
    init(path: String, _ options: AssetsOptions = AssetsOptions(), launch: String = LaunchID.current) {
        self.path = path
        self.options = options
        let folder = AssetsFolder(path: path, options)
        state = Mutex(State(folder: folder, history: ReloadHistory(launch: launch, files: folder.files)))
    }

    /// The folder as of the last poll.
    var now: Now { state.withLock { Now(folder: $0.folder, hash: $0.history.hash) } }

    /// Reads the folder again. Blocks: do not call it on Swift's global pool.
    func look() {
        let folder = AssetsFolder(path: path, options)
        state.withLock { state in
            state.folder = folder
            state.history.update(folder.files)
        }
    }

    /// The changes for a page with a state.
    func news(since seen: String?) -> ReloadHistory.News { state.withLock { $0.history.news(since: seen) } }
}
