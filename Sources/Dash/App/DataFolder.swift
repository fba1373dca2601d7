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

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The secret that signs sessions, page loads and job handles.
enum SiteSecret {
    private static let leastLength = 16

    /// `DASH_SECRET_KEY`, else the secret kept in the data folder, made at the first start.
    ///
    /// - Throws: ``DashError`` with code `secret` for a key that is too short or a file that cannot be read or written.
    static func load(folder: DataFolder, environment: [String: String]) throws -> [UInt8] {
        try given(environment) ?? fromFile(folder.path + "/secret")
    }

    /// `DASH_SECRET_KEY`, for a site of several servers: what one has signed must be good for the others.
    ///
    /// - Throws: ``DashError`` with code `secret` for a key that is missing or too short.
    static func shared(environment: [String: String]) throws -> [UInt8] {
        if let given = try given(environment) { return given }
        throw DashError(
            .secret,
            "DASH_SECRET_KEY is not set. With this queue several servers may answer one page, so all of them need the same "
                + "secret: set it to the output of: openssl rand -hex 32"
        )
    }

    private static func given(_ environment: [String: String]) throws -> [UInt8]? {
        guard let given = environment["DASH_SECRET_KEY"], !given.isEmpty else { return nil }
        guard given.utf8.count >= leastLength else {
            throw DashError(
                .secret,
                "DASH_SECRET_KEY has \(given.utf8.count) bytes; give at least \(leastLength), "
                    + "for example the output of: openssl rand -hex 32"
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

    /// The secret of earlier starts. One that cannot be read is never replaced: every page and job that is open would be
    /// void.
    private static func kept(_ path: String) throws -> [UInt8] {
        guard let secret = try? Data(contentsOf: URL(fileURLWithPath: path)) else { throw unusable(path) }
        guard secret.count >= leastLength else {
            throw DashError(.secret, "The secret \(path) is cut short; remove the file, and a new one is made.")
        }
        return Array(secret)
    }

    private static func unusable(_ path: String) -> DashError {
        DashError(
            .secret,
            "The secret \(path) cannot be kept: \(String(cString: strerror(errno))). "
                + "Make the folder writable, or give the secret with DASH_SECRET_KEY."
        )
    }
}
