import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Jobs with much output.
let talkingJobs: [String: FixtureJob] = [
    // Progress 1...payload, without a pause.
    "progress": { task, channel in
        for number in 1...(task.number ?? 1000) { channel.progress(Array("\(number)".utf8)) }
        return Array("done".utf8)
    },
    // Sends one progress value, then waits to be cancelled.
    "progress-and-wait": { task, channel in
        channel.progress(task.payload)
        try await Task.sleep(for: .seconds(600))
        return []
    },
    // F21: sets `payload` (default 10,000) values of 50 ids in turns.
    "set-props": { task, channel in
        for number in 0..<(task.number ?? 10_000) {
            channel.setProps(Array("[[\"id-\(number % 50)\",\"children\",\(number)]]".utf8))
        }
        return Array("done".utf8)
    },
    "print": { task, _ in
        print("to stdout: \(task.text)")
        let line = Array("to stderr: \(task.text)\n".utf8)
        write(STDERR_FILENO, line, line.count)
        return []
    },
    // Prints more than fits into a pipe, then traps.
    "print-much-and-trap": { _, _ in
        for number in 0..<20_000 { print("line \(number) of a long output") }
        fatalError("after much output")
    },
]
