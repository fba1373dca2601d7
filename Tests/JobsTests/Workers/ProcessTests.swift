import Foundation
import Testing

@testable import Jobs

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@Suite(.timeLimit(.minutes(1)))
struct ProcessTests {
    @Test("F27: after a process is reaped, its pid is never signalled")
    func reusedNumber() throws {
        let pid = try spawned("true")
        let handle = ChildHandle(pid: pid)
        handle.waitForEnd()
        #expect(handle.reap() == .exited(0))
        // Reuses the pid: on Linux root may choose the next one. Otherwise the process has another pid, and survives.
        try? "\(pid - 1)".write(toFile: "/proc/sys/kernel/ns_last_pid", atomically: false, encoding: .utf8)
        let stranger = try spawned("sleep", "1000", ownGroup: true)
        handle.killGroup()
        #expect(isAlive(stranger))
        kill(pid: stranger)
        var status: Int32 = 0
        waitpid(stranger, &status, 0)
        #expect(status & 0x7F == SIGKILL, "only the signal of this test arrived")
    }

    @Test("F27: an ended process keeps its pid until it is reaped")
    func zombie() throws {
        let pid = try spawned("sleep", "1000", ownGroup: true)
        let handle = ChildHandle(pid: pid)
        handle.killGroup()
        handle.waitForEnd()
        #expect(kill(pid, 0) == 0)
        #expect(handle.reap() == .signalled(SIGKILL))
        #expect(kill(pid, 0) != 0)
    }

    private func spawned(_ arguments: String..., ownGroup: Bool = false) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if ownGroup {
            posix_spawnattr_setpgroup(&attributes, 0)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        try #require(posix_spawnp(&pid, arguments[0], nil, &attributes, &words, nil) == 0)
        return pid
    }
}
