// For `timeval`: in a release build its members come from RabbitMQ's header.
import DashJSON

extension WorkerSnapshot {
    /// The reply to `inspect stats`.
    func statistics(clock: Int, broker: BrokerInformation, process: Int, usage: ResourceUsage) -> JSON {
        [
            "total": .object(JSONObject(totals.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })),
            "pid": .int(process), "clock": .string(String(clock)), "uptime": .int(uptime), "pool": pool.json,
            "broker": broker.json, "prefetch_count": .int(prefetchCount), "rusage": usage.json,
        ]
    }
}

extension PoolInfo {
    /// Omits Celery's statistics of pipes, which this pool does not have.
    fileprivate var json: JSON {
        [
            "implementation": "dash-swift:WorkerPool", "max-concurrency": .int(concurrency),
            "processes": .array(processes.map { .int($0) }),
            "max-tasks-per-child": maxTasksPerChild.map { .int($0) } ?? "N/A", "put-guarded-by-semaphore": false,
            "timeouts": [.double(softTimeLimit ?? 0), .double(timeLimit ?? 0)],
        ]
    }
}

extension BrokerInformation {
    /// The connection in kombu's format, without its password.
    var json: JSON {
        [
            "hostname": .string(hostname), "userid": .string(orNull: userID), "virtual_host": .string(virtualHost),
            "port": .int(port), "insist": false, "ssl": .bool(usesTLS), "transport": .string(transport),
            "connect_timeout": 4, "transport_options": [:],
            "login_method": transport.hasPrefix("amqp") ? "PLAIN" : nil, "uri_prefix": nil, "heartbeat": 120,
            "failover_strategy": "round-robin", "alternates": [], "credential_provider": nil,
        ]
    }
}

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The resource usage of this process.
struct ResourceUsage: Sendable {
    let json: JSON

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

    /// The peak memory of this process, `56.4MB`.
    static func memoryText() -> String {
        let kilobytes = Double(current().json["maxrss"].intValue ?? 0)
        return "\((kilobytes / 1024 * 10).rounded() / 10)MB"
    }
}

/// Masks secrets in replies about a worker.
enum Secrets {
    private static let mask = "********"
    private static let words = [
        "API", "TOKEN", "KEY", "SECRET", "PASS", "PROFANITIES_LIST", "SIGNATURE", "DATABASE", "BEAT_DBURI",
    ]

    /// Masks settings whose name indicates a secret, and passwords in addresses.
    static func masked(_ settings: JSONObject) -> JSONObject {
        JSONObject(settings.map { ($0.key, masked($0.value, of: $0.key)) })
    }

    private static func masked(_ value: JSON, of key: String) -> JSON {
        if let object = value.objectValue { return .object(masked(object)) }
        let name = key.uppercased()
        if words.contains(where: name.contains) { return .string(mask) }
        switch value {
        case .string(let text): return .string(withoutPassword(text))
        case .array(let elements): return .array(elements.map { masked($0, of: key) })
        default: return value
        }
    }

    /// Masks the password of an address (URL), or of each of several separated by `;`.
    static func withoutPassword(_ address: String) -> String {
        address.split(separator: ";", omittingEmptySubsequences: false).map(maskedAddress).joined(separator: ";")
    }

    private static func maskedAddress(_ address: Substring) -> String {
        guard let scheme = address.firstRange(of: "://") else { return String(address) }
        let rest = address[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return String(address)
        }
        return "\(address[..<colon]):\(mask)\(address[at...])"
    }
}
