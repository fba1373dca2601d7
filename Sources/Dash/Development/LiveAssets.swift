import Synchronization

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
