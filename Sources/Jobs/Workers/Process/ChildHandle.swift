internal import CDashSpawn
internal import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// One child process that leads its own group. It can be killed only as long as it has not been taken away by `reap`:
/// after that its number may be a stranger's.
package final class ChildHandle: Sendable {
    /// The process id, which stays ours until `reap`.
    package let pid: Int32
    private let isReaped = Mutex(false)

    package init(pid: Int32) { self.pid = pid }

    /// Kills the process and its whole group. Does nothing after ``reap()``.
    package func killGroup() {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(-pid, SIGKILL)
        }
    }

    /// Sends the process a signal, not its group. Does nothing after ``reap()``.
    package func send(_ signal: Int32) {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(pid, signal)
        }
    }

    /// Kills the group and every other process of the session that the process leads: what it started, but for those that
    /// made a session of their own. Does nothing after ``reap()``. Looks through all processes: not for an event loop.
    func killFamily() {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(-pid, SIGKILL)
            dash_kill_session(pid)
        }
    }

    /// Blocks the thread until the process has ended, but leaves it as a zombie, so that its number stays ours.
    package func waitForEnd() { _ = dash_wait_ended(pid) }

    /// Takes the ended process away.
    package func reap() -> ProcessEnd {
        isReaped.withLock { reaped in
            reaped = true
            var signal: Int32 = 0
            var code: Int32 = 0
            _ = dash_reap(pid, &signal, &code)
            return signal == 0 ? .exited(code) : .signalled(signal)
        }
    }
}

/// How a process ended.
package enum ProcessEnd: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
}
