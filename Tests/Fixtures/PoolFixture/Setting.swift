#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Settings that a test passes in environment variables.
enum Setting {
    static func text(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    static var ownPID: pid_t { getpid() }
}

/// Simulates faults of user code before `serve`, selected by POOL_FIXTURE_START.
func prepareStart() {
    switch Setting.text("POOL_FIXTURE_START") {
    case "trap": fatalError("before serve")
    case "exit": exit(7)
    case "hang": while true { pause() }
    default: break
    }
}

func killProcess(_ pid: Int32) {
    kill(pid, SIGKILL)
}
