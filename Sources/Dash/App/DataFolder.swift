import Crypto
import Foundation
import Support

/// The folder in which a site keeps its jobs, its cache and its secret.
///
/// `DASH_DATA_DIR`, else `$XDG_STATE_HOME/dash-swift/<executable>-<hash of its path>` (`~/.local/state` where the variable is
/// not set). The folder is made with mode 0700, the files in it with 0600: results can be as private as the pages.
struct DataFolder: Sendable {
    /// The folder's absolute path.
    let path: String

    /// The folder of an executable.
    ///
    /// - Parameters:
    ///   - dataDir: the folder of the site's configuration, which wins.
    ///   - executable: the executable's path.
    ///   - environment: where `DASH_DATA_DIR`, `XDG_STATE_HOME` and `HOME` are looked up.
    init(dataDir: String? = nil, executable: String, environment: [String: String]) {
        if let folder = dataDir ?? environment["DASH_DATA_DIR"], !folder.isEmpty {
            path = URL(fileURLWithPath: folder).standardizedFileURL.path
            return
        }
        let home = environment["HOME"] ?? NSHomeDirectory()
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.local/state"
        let name = URL(fileURLWithPath: executable).lastPathComponent
        let digest = Hexadecimal.text(SHA256.hash(data: Data(executable.utf8)).prefix(4))
        path = "\(state)/dash-swift/\(name)-\(digest)"
    }

    /// Makes the folder where it is missing, closed to others. The mode of a folder that is there stays: it may be shared
    /// with other programs, and the files in it are closed to others themselves.
    ///
    /// - Throws: ``DashError`` with code `data-folder`.
    func create() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw DashError(
                .dataFolder,
                "The data folder \(path) cannot be made. Name a folder that can be written with DASH_DATA_DIR.",
                cause: error
            )
        }
    }
}
