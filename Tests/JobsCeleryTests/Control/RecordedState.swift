import DashJSON
import Jobs

@testable import CeleryProtocol
@testable import JobsCelery

/// The state of the recorded Celery worker, reconstructed from its replies.
struct RecordedState {
    var snapshot = WorkerSnapshot()
    var revoked: [String] = []
    var broker = JSON.scripted
    /// The clock of events before the request.
    var clock = 0
    var process = 0

    init(for recorded: RecordedControl) {
        let transport = String(recorded.name.prefix { $0 != "/" })
        // The texts of arguments are recorded separately.
        snapshot.active = Self.answer(transport, "active").orElements.map { Holding(recorded: $0, shown: "(300,)") }
        snapshot.reserved = Self.answer(transport, "reserved").orElements.map { Holding(recorded: $0) }
        snapshot.scheduled = Self.answer(transport, "scheduled").orElements.map {
            Holding(recorded: $0["request"], eta: $0["eta"].stringValue.flatMap(ISO8601.milliseconds))
        }
        let registered = Self.answer(transport, "registered").orElements.compactMap(\.stringValue)
        snapshot.registered = registered.reduce(into: [:]) { $0[$1] = TaskRules() }
        snapshot.queues = ["celery"]
        snapshot.settings = Self.answer(transport, "conf").objectValue ?? JSONObject()
        revoked = Self.answer(transport, "revoked").orElements.compactMap(\.stringValue)
        readStatistics(Self.answer(transport, "stats"))
        clock = Self.clock(before: recorded)
    }

    private mutating func readStatistics(_ stats: JSON) {
        snapshot.totals = (stats["total"].objectValue ?? JSONObject()).reduce(into: [:]) { totals, member in
            totals[member.key] = member.value.intValue ?? 0
        }
        snapshot.uptime = stats["uptime"].intValue ?? 0
        snapshot.prefetchCount = stats["prefetch_count"].intValue ?? 0
        snapshot.concurrency = stats["pool"]["max-concurrency"].intValue ?? 0
        snapshot.processes = stats["pool"]["processes"].orElements.compactMap(\.intValue).map(Int32.init)
        process = stats["pid"].intValue ?? 0
        let place = stats["broker"]
        broker = BrokerInformation.json(
            place["transport"].stringValue ?? "",
            place["hostname"].stringValue ?? "",
            place["port"].intValue ?? 0,
            userID: place["userid"].stringValue,
            virtualHost: place["virtual_host"].stringValue ?? "",
            usesTLS: false
        )
    }

    private static func answer(_ transport: String, _ method: String) -> JSON {
        RecordedControl.named("\(transport)/pidbox-\(method)")?.answer ?? .null
    }

    /// Each message advances the clock by one, and `hello` by another one.
    private static func clock(before recorded: RecordedControl) -> Int {
        let recordedClock = recorded.answer["clock"]
        let value = recordedClock.intValue ?? recordedClock.stringValue.flatMap(Int.init) ?? 1
        return value - (recorded.name.hasSuffix("hello") ? 2 : 1)
    }
}

extension Holding {
    fileprivate init(recorded json: JSON, shown: String? = nil, eta: Int64? = nil) {
        let (place, type) = (json["delivery_info"], json["type"].stringValue ?? "")
        var message = TaskMessage(
            task: type,
            id: json["id"].stringValue ?? "",
            arguments: RawJSON(json["args"]),
            kwargs: RawJSON(json["kwargs"])
        )
        message.shadow = json["name"].stringValue
        message.argumentsRepr = shown
        message.priority = place["priority"].intValue ?? 0
        message.eta = eta
        let delivery = JobsCelery.Delivery(
            tag: message.id,
            queue: place["routing_key"].stringValue ?? "",
            task: BrokerMessage(exchange: place["exchange"].stringValue ?? ""),
            isRedelivered: place["redelivered"] == true
        )
        let job = JobDefinition(name: type, taskName: type, version: "")
        self.init(
            task: HeldTask(number: 0, delivery: delivery, message: message, job: job),
            delivery: delivery,
            process: json["worker_pid"].intValue.map(Int32.init),
            startedWall: json["time_start"].doubleValue,
            custody: json["acknowledged"] == true ? .vault : .broker
        )
    }
}
