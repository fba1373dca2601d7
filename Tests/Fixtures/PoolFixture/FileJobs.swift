import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Jobs that communicate with a test through files.
let fileJobs: [String: FixtureJob] = [
    // Payload "<n> <file> [throw | trap]": the first n attempts throw (default) or trap.
    "fail-first-n": { task, _ in
        let words = task.text.split(separator: " ").map(String.init)
        let attempt = countAttempt(in: words[1])
        guard attempt > Int(words[0]) ?? 0 else {
            if words.count > 2, words[2] == "trap" { fatalError("attempt \(attempt)") }
            throw OrdinaryError(reason: "attempt \(attempt)")
        }
        return Array("\(attempt)".utf8)
    },
    // Payload: a file. Finishes when the file exists; can be cancelled.
    "wait-for-file": { task, _ in
        while access(task.text, F_OK) != 0 {
            try Task.checkCancellation()
            usleep(2000)
        }
        return Array("found".utf8)
    },
    // Payload: a file to create.
    "make-file": { task, _ in
        close(open(task.text, O_CREAT | O_WRONLY, 0o600))
        return []
    },
]

/// Appends a byte to the file and returns its size.
private func countAttempt(in path: String) -> Int {
    let descriptor = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    defer { close(descriptor) }
    write(descriptor, ".", 1)
    return Int(lseek(descriptor, 0, SEEK_END))
}
