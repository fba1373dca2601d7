import CeleryProtocol
import ServiceLifecycle
import Support

/// A file that holds the process id of a worker, as Celery's `--pidfile`.
struct PIDFile: Sendable {
    let path: String

    /// Creates the file with this process's id.
    ///
    /// - Throws: `CeleryError.option` if it belongs to another living process, does not hold a process id, or cannot be
    ///   written.
    func take() throws {
        // A second attempt after removing the file of a dead process.
        for _ in 0..<2 {
            if try create() { return }
            try removeIfStale()
        }
        throw CeleryError(.option, "Other processes keep creating the file \(path).")
    }

    /// Removes the file if it still belongs to this process.
    func remove() {
        if content == "\(getpid())" { unlink(path) }
    }

    /// - Returns: False if the file exists.
    private func create() throws -> Bool {
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            if errno == EEXIST { return false }
            throw refusal("cannot be created: \(String(cString: strerror(errno))).")
        }
        defer { close(file) }
        let text = Array("\(getpid())\n".utf8)
        guard write(file, text, text.count) == text.count else {
            throw refusal("cannot be written: \(String(cString: strerror(errno))).")
        }
        return true
    }

    private func removeIfStale() throws {
        guard let process = content.flatMap({ pid_t($0) }), process > 0 else {
            throw refusal("exists and does not hold a process id: remove it.")
        }
        if process != getpid() && (kill(process, 0) == 0 || errno == EPERM) {
            throw refusal("belongs to the running process \(process): is this worker running already?")
        }
        unlink(path)
    }

    private func refusal(_ reason: String) -> CeleryError { CeleryError(.option, "The file \(path) \(reason)") }

    /// The first line, up to 32 bytes.
    private var content: String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(file, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).first.map(String.init)
    }
}

/// A worker that removes its file when it stops.
struct WorkerWithPIDFile: Service {
    let worker: any Service
    let file: PIDFile

    func run() async throws {
        defer { file.remove() }
        try await worker.run()
    }
}
