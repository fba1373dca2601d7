import Crypto
import DashJSON
import Dispatch
import Foundation
import ServiceLifecycle
import Support
import Synchronization

/// Looks at the assets and at the build's report again and again, and tells pages what is new.
///
/// It looks on a thread of its own: a walk through folders blocks, and must not hold up requests.
final class HotReload: Service {
    private let assets: [LiveAssets]
    private let watchInterval: Duration
    private let reportFile: String?
    /// What ended the server before this one.
    let trap: TrapReport?
    private let report = Mutex<BuildReport?>(nil)

    /// - Parameters:
    ///   - assets: Those of all apps.
    ///   - watchInterval: How long it waits between two looks.
    ///   - reportFile: Where `dash-swift dev` puts its report; nil if it did not start this program.
    ///   - trap: What ended the server before this one; nil for nothing, or for nothing that pages may know.
    init(_ assets: [LiveAssets], watchInterval: Duration, reportFile: String?, trap: TrapReport? = nil) {
        self.trap = trap
        self.assets = assets
        self.watchInterval = watchInterval
        self.reportFile = reportFile
        report.withLock { $0 = reportFile.flatMap(BuildReport.init(file:)) }
    }

    /// Looks once.
    func look() {
        for folder in assets { folder.look() }
        let found = reportFile.flatMap(BuildReport.init(file:))
        report.withLock { $0 = found }
    }

    /// Looks until the server ends.
    func run() async throws {
        let end = DispatchSemaphore(value: 0)
        let pause = watchInterval / .seconds(1)
        async let watching: Void = OwnThread.run { [self] in
            // Files do not tell by themselves that they changed, on all systems and file systems; so does Dash look.
            while end.wait(timeout: .now() + pause) == .timedOut { look() }
        }
        try? await gracefulShutdown()
        end.signal()
        try await watching
    }

    /// The answer to a page that asks for news (`_reload-hash`).
    ///
    /// - Parameters:
    ///   - app: The page's app.
    ///   - seen: The state that the page knows; nil if it does not say.
    ///   - detail: What pages may see of an error.
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
    /// As the renderer reads it; a time that is not above zero stands for a file that is gone.
    fileprivate func json(url: String) -> JSON {
        ["url": .string(url), "modified": .double(modified ?? -1), "is_css": .bool(isStylesheet)]
    }
}

/// The states an app's assets have had, so that each page can be told what is new for it.
///
/// Stock Dash tells a change to whoever asks first, so of two tabs one misses it (defect 22). Here a page says which state it
/// knows, and reading changes nothing.
struct ReloadHistory: Sendable {
    /// What a page is told.
    struct News: Sendable, Equatable {
        /// The state there is now.
        var hash: String
        /// Whether more than the layout and the callbacks may have changed since the state that the page knows.
        var isHard: Bool
        /// The files that changed since then.
        var files: [File]
    }

    /// A file that changed.
    struct File: Sendable, Equatable {
        /// The path below the folder.
        var name: String
        /// Seconds since 1970; nil for a file that is gone.
        var modified: Double?

        var isStylesheet: Bool { name.hasSuffix(".css") }
    }

    private struct State {
        var hash: String
        /// What differs from the state before.
        var changed: [String]
    }

    /// The most states that are kept; a page that knows an older one loads anew.
    private static let longest = 1_000
    private let launch: String
    private var states: [State]
    private var files: [String: AssetsFolder.File]

    /// - Parameters:
    ///   - launch: Names the launch of the program: the same after a trap, when pages go on, another after a rebuild.
    ///   - files: The files there are.
    init(launch: String, files: [AssetsFolder.File]) {
        self.launch = launch
        let files = Self.watched(files)
        self.files = files
        states = [State(hash: Self.hash(launch, files), changed: [])]
    }

    /// The state there is now.
    var hash: String { states.last?.hash ?? "" }

    /// Takes the files there are now.
    mutating func update(_ found: [AssetsFolder.File]) {
        let found = Self.watched(found)
        let changed = Set(files.keys).union(found.keys).filter { files[$0] != found[$0] }.sorted()
        guard !changed.isEmpty else { return }
        files = found
        states.append(State(hash: Self.hash(launch, found), changed: changed))
        if states.count > Self.longest { states.removeFirst(states.count - Self.longest) }
    }

    /// What is new for a page.
    ///
    /// - Parameter seen: The state that the page knows; nil if it does not say, which is told of every change.
    func news(since seen: String?) -> News {
        guard let seen else { return news(after: states.startIndex) }
        guard let place = states.lastIndex(where: { $0.hash == seen }) else {
            return News(hash: hash, isHard: true, files: [])
        }
        return news(after: place)
    }

    private func news(after place: Int) -> News {
        let changed = Set(states[(place + 1)...].flatMap(\.changed)).sorted()
        let told = changed.map { File(name: $0, modified: files[$0]?.modified) }
        return News(hash: hash, isHard: !told.isEmpty, files: told)
    }

    /// Without the files that editors make for themselves while somebody types.
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

/// The assets of an app as they are now: walked once, and again each time somebody looks, which hot reload does.
final class LiveAssets: Sendable {
    /// The files and the state's name, as of one moment.
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

    /// Walks the folder.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - options: Which files go into the page.
    ///   - launch: Names this launch of the program.
    init(path: String, _ options: AssetsOptions = AssetsOptions(), launch: String = LaunchID.current) {
        self.path = path
        self.options = options
        let folder = AssetsFolder(path: path, options)
        state = Mutex(State(folder: folder, history: ReloadHistory(launch: launch, files: folder.files)))
    }

    /// The folder as it was when somebody looked last.
    var now: Now { state.withLock { Now(folder: $0.folder, hash: $0.history.hash) } }

    /// Walks the folder again. Reads the disk: not for Swift's own threads.
    func look() {
        let folder = AssetsFolder(path: path, options)
        state.withLock { state in
            state.folder = folder
            state.history.update(folder.files)
        }
    }

    /// What is new for a page that knows a state.
    func news(since seen: String?) -> ReloadHistory.News { state.withLock { $0.history.news(since: seen) } }
}
