import Crypto
import Support

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
