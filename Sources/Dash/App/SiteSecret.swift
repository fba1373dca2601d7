import Foundation

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
