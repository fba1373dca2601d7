import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Jobs that speak with a test through files.
let fileJobs: [String: FixtureJob] = [
    // Payload "<n> <file>": the first n attempts fail, in which way the third word says: throw (default) or trap.
    "fail-first-n": { task, _ in
        let words = task.text.split(separator: " ").map(String.init)
        let attempt = countAttempt(in: words[1])
        guard attempt > Int(words[0]) ?? 0 else {
            if words.count > 2, words[2] == "trap" { fatalError("attempt \(attempt)") }
            throw OrdinaryError(reason: "attempt \(attempt)")
        }
        return Array("\(attempt)".utf8)
    },
    // Payload: a file. Ends when it is there; can be cancelled.
    "wait-for-file": { task, _ in
        while access(task.text, F_OK) != 0 {
            try Task.checkCancellation()
            usleep(2000)
        }
        return Array("found".utf8)
    },
    // Payload: a file, which is made.
    "make-file": { task, _ in
        close(open(task.text, O_CREAT | O_WRONLY, 0o600))
        return []
    },
]

/// Adds a byte to the file and tells how many there are.
private func countAttempt(in path: String) -> Int {
    let descriptor = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
    defer { close(descriptor) }
    write(descriptor, ".", 1)
    return Int(lseek(descriptor, 0, SEEK_END))
}
