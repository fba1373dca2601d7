import Crypto
import Foundation
import Support

/// The folder for a site's jobs, cache and secret.
///
/// `DASH_DATA_DIR`, otherwise `$XDG_STATE_HOME/dash-swift/<executable>-<hash of its path>`, with `~/.local/state` as
/// the default of the variable. The folder has mode 0700, its files 0600: results can be as private as the pages.
struct DataFolder: Sendable {
    let path: String

    /// Determines the folder's path.
    ///
    /// - Parameters:
    ///   - dataDir: The folder of the site's configuration; takes precedence.
    ///   - executable: The executable's path.
    ///   - environment: Read for `DASH_DATA_DIR`, `XDG_STATE_HOME` and `HOME`.
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

    /// Creates the folder with mode 0700 if it is missing. An existing folder keeps its mode: other programs may share
    /// it, and the files in it are closed to others.
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
                "The data folder \(path) cannot be created. Set DASH_DATA_DIR to a writable folder.",
                cause: error
            )
        }
    }
}

/// The secret that signs sessions, page loads and job handles.
enum SiteSecret {
    private static let leastLength = 16

    /// Returns `DASH_SECRET_KEY`, otherwise the secret in the data folder, which the first start creates.
    ///
    /// - Throws: ``DashError`` with code `secret` for a key that is too short or a file that cannot be read or written.
    static func load(folder: DataFolder, environment: [String: String]) throws -> [UInt8] {
        try given(environment) ?? fromFile(folder.path + "/secret")
    }

    /// Returns `DASH_SECRET_KEY`, for a site of several servers, which must accept each other's signatures.
    ///
    /// - Throws: ``DashError`` with code `secret` for a key that is missing or too short.
    static func shared(environment: [String: String]) throws -> [UInt8] {
        if let given = try given(environment) { return given }
        throw DashError(
            .secret,
            "DASH_SECRET_KEY is not set. All servers of a queue need the same "
                + "secret. Set it to the output of: openssl rand -hex 32"
        )
    }

    private static func given(_ environment: [String: String]) throws -> [UInt8]? {
        guard let given = environment["DASH_SECRET_KEY"], !given.isEmpty else { return nil }
        guard given.utf8.count >= leastLength else {
            throw DashError(
                .secret,
                "DASH_SECRET_KEY has \(given.utf8.count) bytes, but needs at least \(leastLength). "
                    + "Set it, for example, to the output of: openssl rand -hex 32"
            )
        }
        return Array(given.utf8)
    }

    private static func fromFile(_ path: String) throws -> [UInt8] {
        if access(path, F_OK) == 0 { return try kept(path) }
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let draft = "\(path).\(getpid())"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unusable(path) }
        let written = secret.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        let isSynced = fsync(file) == 0
        close(file)
        guard written == secret.count, isSynced, rename(draft, path) == 0 else {
            unlink(draft)
            throw unusable(path)
        }
        return secret
    }

    /// The secret of an earlier start. An unreadable one is not replaced: that would invalidate every open page and
    /// job.
    private static func kept(_ path: String) throws -> [UInt8] {
        guard let secret = try? Data(contentsOf: URL(fileURLWithPath: path)) else { throw unusable(path) }
        guard secret.count >= leastLength else {
            throw DashError(
                .secret,
                "The secret file \(path) is truncated. Remove it; the next start creates a new one."
            )
        }
        return Array(secret)
    }

    private static func unusable(_ path: String) -> DashError {
        DashError(
            .secret,
            "The secret file \(path) cannot be read or written: \(String(cString: strerror(errno))). "
                + "Make the folder writable, or set DASH_SECRET_KEY."
        )
    }
}
