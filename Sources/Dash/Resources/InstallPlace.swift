import Foundation
import Support

/// The target folder of an installation, and its temporary files beside it.
struct InstallPlace {
    /// The absolute path of the target folder.
    let target: String

    private var parent: String { (target as NSString).deletingLastPathComponent }
    private var name: String { (target as NSString).lastPathComponent }
    private var workPrefix: String { ".\(name).installing-" }
    private var oldPath: String { "\(parent)/.\(name).old" }

    /// Waits until no other process installs to this target.
    ///
    /// - Throws: `SuiteError` with code `.storage` if the parent folder is not writable.
    func lockForInstalling() throws(SuiteError) -> InstallLock {
        do {
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        } catch {
            throw storage("The folder \(parent) cannot be created.", "\(error.localizedDescription)")
        }
        guard let lock = InstallLock(path: "\(parent)/.\(name).lock") else {
            throw storage("The folder \(parent) is not writable.", String(cString: strerror(errno)))
        }
        return lock
    }

    /// Creates a new folder beside the target; removes those of killed installers.
    func makeWorkFolder() throws(SuiteError) -> String {
        restoreOld()
        for entry in Self.entries(of: parent) where entry.hasPrefix(workPrefix) { remove("\(parent)/\(entry)") }
        let path = "\(parent)/\(workPrefix)\(getpid())"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        } catch {
            throw storage("The folder \(path) cannot be created.", error.localizedDescription)
        }
        return path
    }

    /// Rejects a target that contains anything other than suites, since the installation removes it.
    func checkTarget() throws(SuiteError) {
        let entries = Self.entries(of: target)
        guard !entries.contains(SuiteStamp.fileName) else { return }
        guard let stranger = entries.first(where: { !Self.isOurs($0) }) else { return }
        throw SuiteError(
            .wrongFolder,
            "The folder \(target) contains other files (\(stranger)). Use a new or empty folder."
        )
    }

    /// Replaces the target with a finished folder; restores the old one on failure.
    func replaceTarget(with work: String) throws(SuiteError) {
        let hadOld = rename(target, oldPath) == 0
        guard rename(work, target) == 0 else {
            let reason = String(cString: strerror(errno))
            if hadOld { _ = rename(oldPath, target) }
            throw storage("The folder \(target) cannot be written.", reason)
        }
        remove(oldPath)
    }

    func write(_ text: String, to path: String) throws(SuiteError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw storage("The file \(path) cannot be written.", error.localizedDescription)
        }
    }

    /// Removes a folder and its content, if it exists.
    func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Restores the old folder of an installer that was killed between its two renames.
    private func restoreOld() {
        if !FileManager.default.fileExists(atPath: target) { _ = rename(oldPath, target) }
        remove(oldPath)
    }

    private func storage(_ message: String, _ cause: String) -> SuiteError {
        SuiteError(.storage, message, cause: cause)
    }

    private static func entries(of folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// Whether pip or this package writes an entry of this name to a folder of suites.
    private static func isOurs(_ entry: String) -> Bool {
        entry.hasSuffix(".dist-info") || entry.hasPrefix("dash")
            || ["plotly", "_plotly_utils", "bin", "etc", "share"].contains(entry)
    }
}

/// A lock between processes, held by an open file.
struct InstallLock {
    private let descriptor: Int32

    /// Acquires the lock, and waits if it is held; nil if the file cannot be opened.
    init?(path: String) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
    }

    func release() {
        _ = close(descriptor)
    }
}
