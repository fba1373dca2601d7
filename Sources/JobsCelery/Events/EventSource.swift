// For `tm`: in a release build its members are known by RabbitMQ's header.
import CRabbitMQ
import DashJSON
import Support

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Who tells events: what all of a worker's events have in common.
struct EventSource: Sendable, Hashable {
    /// The node's name, `dash@host`.
    var node: String
    var process = Int(getpid())
    var software = SoftwareInfo()
    /// Hours west of UTC; nil is where this machine is just now.
    var utcOffset: Double?

    /// An event's members in Celery's order.
    func event(_ type: String, _ fields: JSONObject, clock: Int, timestamp: Double) -> JSONObject {
        var event = JSONObject()
        event.reserveCapacity(fields.count + 6)
        event.append("hostname", .string(node))
        event.append("utcoffset", .double(utcOffset ?? WallClock.hoursWestOfUTC()))
        event.append("pid", .int(process))
        event.append("clock", .int(clock))
        for (key, value) in fields { event.append(key, value) }
        event.append("timestamp", .double(timestamp))
        event.append("type", .string(type))
        return event
    }

    /// A message of the exchange `celeryev`.
    func message(_ body: JSON, routingKey: String) -> RawTask {
        RawTask(
            headers: ["hostname": .string(node)],
            body: body.serialized(),
            routingKey: routingKey,
            exchange: "celeryev",
            isPersistent: false
        )
    }
}

/// Which program tells events.
struct SoftwareInfo: Sendable, Hashable {
    var name = "dash-swift"
    var version = "unreleased"
    #if os(Linux)
    var system = "Linux"
    #else
    var system = "Darwin"
    #endif

    var fields: JSONObject {
        ["sw_ident": .string(name), "sw_ver": .string(version), "sw_sys": .string(system)]
    }
}

extension WallClock {
    /// How far this machine's zone is from UTC just now; west is positive, as Celery has it.
    static func hoursWestOfUTC() -> Double {
        var seconds = time(nil)
        var local = tm()
        localtime_r(&seconds, &local)
        return local.tm_gmtoff == 0 ? 0 : -Double(local.tm_gmtoff) / 3600
    }

    /// How many tasks of the machine were ready to run on the average of 1, 5 and 15 minutes.
    static func loadAverage() -> [Double] {
        var averages = [0.0, 0, 0]
        guard getloadavg(&averages, 3) == 3 else { return [0, 0, 0] }
        return averages.map { ($0 * 100).rounded() / 100 }
    }
}
