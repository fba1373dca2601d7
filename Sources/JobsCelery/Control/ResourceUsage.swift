// For `timeval`: in a release build its members are known by RabbitMQ's header.
import CRabbitMQ
import DashJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What this process has used.
struct ResourceUsage: Sendable {
    let json: JSON

    /// What it has used till now.
    static func current() -> ResourceUsage {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
        getrusage(Int32(RUSAGE_SELF), &usage)
        #endif
        let counts = [
            ("maxrss", usage.ru_maxrss), ("ixrss", usage.ru_ixrss), ("idrss", usage.ru_idrss),
            ("isrss", usage.ru_isrss), ("minflt", usage.ru_minflt), ("majflt", usage.ru_majflt),
            ("nswap", usage.ru_nswap), ("inblock", usage.ru_inblock), ("oublock", usage.ru_oublock),
            ("msgsnd", usage.ru_msgsnd), ("msgrcv", usage.ru_msgrcv), ("nsignals", usage.ru_nsignals),
            ("nvcsw", usage.ru_nvcsw), ("nivcsw", usage.ru_nivcsw),
        ]
        let times: JSONObject = ["utime": .double(seconds(usage.ru_utime)), "stime": .double(seconds(usage.ru_stime))]
        return ResourceUsage(json: .object(JSONObject(Array(times) + counts.map { ($0.0, .int(Int($0.1))) })))
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    /// The memory that this process has used at most, `56.4MB`.
    static func memoryText() -> String {
        let kilobytes = Double(current().json["maxrss"].intValue ?? 0)
        return "\((kilobytes / 1024 * 10).rounded() / 10)MB"
    }
}
