import Jobs
import Support
import Synchronization

/// Exclusive use of a folder by one process. The system releases the lock when the process ends.
final class FolderLock: Sendable {
    private let held: Mutex<Int32?>

    /// Locks the folder, which is created if missing, readable only by its owner.
    ///
    /// - Throws: `JobsError`: `.folderInUse` if another process holds the lock, `.storage` if the folder cannot be
    ///   used.
    init(folder: String) throws(JobsError) {
        try Self.make(folder)
        let path = folder + "/owner.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            let owner = Self.owner(descriptor)
            close(descriptor)
            if reason != EWOULDBLOCK { throw Self.failure("lock \(path)", reason) }
            throw JobsError(
                .folderInUse,
                "The data folder \(folder) is in use by another process\(owner). Stop that process, or set"
                    + " DASH_DATA_DIR to another folder."
            )
        }
        held = Mutex(descriptor)
        Self.writeOwner(descriptor)
    }

    deinit {
        release()
    }

    /// Releases the lock. Further calls have no effect.
    func release() {
        let descriptor = held.withLock { $0.take() }
        guard let descriptor else { return }
        // Closing is not enough: a process that is being forked also has the file open.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func make(_ folder: String) throws(JobsError) {
        var path = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            path += "/" + part
            if mkdir(path, 0o700) != 0, errno != EEXIST, errno != EISDIR { throw failure("create the folder \(path)") }
        }
    }

    /// The process id that the owner wrote to the file, for the error message.
    private static func owner(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(0, count)).prefix { $0 != 10 }, as: UTF8.self)
        return Int(text).map { " (process \($0))" } ?? ""
    }

    private static func writeOwner(_ descriptor: Int32) {
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    private static func failure(_ what: String, _ reason: Int32 = errno) -> JobsError {
        JobsError(.storage, "Could not \(what): \(String(cString: strerror(reason))).")
    }
}
