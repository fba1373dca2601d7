import ServiceLifecycle

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file that holds the number of a worker's process, as Celery's `--pidfile`.
struct PIDFile: Sendable {
    let path: String

    /// Writes this process's number into it.
    ///
    /// - Throws: `CeleryError.option` if another process that lives has it, if it is no such file, or if it cannot be written.
    func take() throws {
        // A second time if what is there was left by a process that is gone.
        for _ in 0..<2 {
            if try create() { return }
            try removeIfStale()
        }
        throw CeleryError(.option, "The file \(path) is made again and again by others.")
    }

    /// Removes it, if it is still this process's own.
    func remove() {
        if content == "\(getpid())" { unlink(path) }
    }

    /// - Returns: whether there was none before.
    private func create() throws -> Bool {
        let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            if errno == EEXIST { return false }
            throw CeleryError(.option, "The file \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        defer { close(file) }
        let text = Array("\(getpid())\n".utf8)
        guard write(file, text, text.count) == text.count else {
            throw CeleryError(.option, "The file \(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        return true
    }

    private func removeIfStale() throws {
        guard let process = content.flatMap({ pid_t($0) }), process > 0 else {
            throw CeleryError(.option, "The file \(path) is there already and holds no process's number: remove it.")
        }
        let lives = process != getpid() && (kill(process, 0) == 0 || errno == EPERM)
        if lives {
            throw CeleryError(
                .option,
                "The file \(path) belongs to process \(process), which runs: does this worker run already?"
            )
        }
        unlink(path)
    }

    /// The text in the first line, at most that of a number.
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

/// A worker whose file is removed when it has ended.
struct WorkerWithPIDFile: Service {
    let worker: any Service
    let file: PIDFile

    func run() async throws {
        defer { file.remove() }
        try await worker.run()
    }
}
