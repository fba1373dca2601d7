import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Jobs that ignore or delay their cancellation, or start processes.
let stubbornJobs: [String: FixtureJob] = [
    // Blocks its thread, but checks for cancellation.
    "poll": { _, _ in
        while !Task.isCancelled { usleep(1000) }
        throw CancellationError()
    },
    // Returns a result despite the cancellation.
    "finish-anyway": { _, _ in
        while !Task.isCancelled { usleep(1000) }
        return Array("finished".utf8)
    },
    "busy": { _, _ in busy() },
    "busy-all": { _, _ in
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 { group.addTask { _ = busy() } }
        }
        return []
    },
    // Also blocks all threads of Swift's concurrency pool.
    "busy-pool": { _, _ in
        for _ in 0..<16 { Task.detached { _ = busy() } }
        return busy()
    },
    // Starts a program that outlives it, reports its process id, and waits for it.
    "grandchild": { _, channel in waitForSleep(startSleep(), channel) },
    // The program has its own process group, like those that Foundation starts.
    "grandchild-group": { _, channel in waitForSleep(startSleep(POSIX_SPAWN_SETPGROUP), channel) },
    "grandchild-group-and-trap": { _, channel in
        channel.progress(Array("\(startSleep(POSIX_SPAWN_SETPGROUP))".utf8))
        usleep(50_000)  // Longer than the interval between two messages.
        fatalError("after starting a program")
    },
    "grandchild-session": { _, channel in waitForSleep(startSleep(ownSession), channel) },
    // Finishes while the program is still running.
    "leave-grandchild": { _, _ in Array("\(startSleep())".utf8) },
    "close-channel": { _, _ in
        close(3)
        return []
    },
]

private func busy() -> [UInt8] {
    var number = UInt64(getpid())
    while number != 0 { number = number &* 6_364_136_223_846_793_005 | 1 }
    return []
}

private func waitForSleep(_ pid: pid_t, _ channel: WorkerChannel) -> [UInt8] {
    channel.progress(Array("\(pid)".utf8))
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return []
}

/// POSIX_SPAWN_SETSID, which Glibc's module does not export.
#if canImport(Darwin)
private let ownSession: Int32 = 0x400
#else
private let ownSession: Int32 = 0x80
#endif

private func startSleep(_ flags: Int32 = 0) -> pid_t {
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
    defer { for argument in arguments { free(argument) } }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var pid: pid_t = 0
    posix_spawnp(&pid, "sleep", nil, &attributes, &arguments, nil)
    return pid
}
