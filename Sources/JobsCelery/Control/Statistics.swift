// For `timeval`: in a release build its members are known by RabbitMQ's header.
import CRabbitMQ
import DashJSON

extension WorkerSnapshot {
    /// What `inspect stats` shows.
    func statistics(clock: Int, broker: BrokerInformation, process: Int, usage: ResourceUsage) -> JSON {
        [
            "total": .object(JSONObject(totals.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })),
            "pid": .int(process), "clock": .string(String(clock)), "uptime": .int(uptime), "pool": pool.json,
            "broker": broker.json, "prefetch_count": .int(prefetchCount), "rusage": usage.json,
        ]
    }
}

extension PoolInfo {
    /// Celery's pool also tells how it spread its writes over pipes; this one has no such pipes.
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
    /// A connection as kombu tells of it, without its password.
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

/// Keeps secrets out of what is told about a worker.
enum Secrets {
    private static let mask = "********"
    private static let words = [
        "API", "TOKEN", "KEY", "SECRET", "PASS", "PROFANITIES_LIST", "SIGNATURE", "DATABASE", "BEAT_DBURI",
    ]

    /// Settings without their secrets: what is named like one is masked, and passwords in addresses are.
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

    /// An address (URL) whose password is masked; several with `;` between them are masked one by one.
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
