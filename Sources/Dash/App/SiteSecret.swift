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
        if let given = environment["DASH_SECRET_KEY"], !given.isEmpty {
            guard given.utf8.count >= leastLength else {
                throw DashError(
                    .secret,
                    "DASH_SECRET_KEY has \(given.utf8.count) bytes; give at least \(leastLength), "
                        + "for example the output of: openssl rand -hex 32"
                )
            }
            return Array(given.utf8)
        }
        return try fromFile(folder.path + "/secret")
    }

    private static func fromFile(_ path: String) throws -> [UInt8] {
        if let kept = try? Data(contentsOf: URL(fileURLWithPath: path)), kept.count >= leastLength {
            return Array(kept)
        }
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let draft = "\(path).\(getpid())"
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

    private static func unusable(_ path: String) -> DashError {
        DashError(
            .secret,
            "The secret \(path) cannot be kept: \(String(cString: strerror(errno))). "
                + "Make the folder writable, or give the secret with DASH_SECRET_KEY."
        )
    }
}
