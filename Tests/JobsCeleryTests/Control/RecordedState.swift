import DashJSON

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
        snapshot.active = Self.answer(transport, "active").orElements.map(TaskInfo.init(recorded:))
        snapshot.reserved = Self.answer(transport, "reserved").orElements.map(TaskInfo.init(recorded:))
        snapshot.scheduled = Self.answer(transport, "scheduled").orElements.map {
            ScheduledTask(eta: $0["eta"].stringValue ?? "", task: TaskInfo(recorded: $0["request"]))
        }
        snapshot.registered = Self.answer(transport, "registered").orElements.map {
            RegisteredTask(name: $0.stringValue ?? "")
        }
        snapshot.queues = [QueueInfo(name: "celery")]
        snapshot.settings = Self.answer(transport, "conf").objectValue ?? JSONObject()
        revoked = Self.answer(transport, "revoked").orElements.compactMap(\.stringValue)
        readStatistics(Self.answer(transport, "stats"))
        clock = Self.clock(before: recorded)
        // These texts are recorded separately.
        for place in snapshot.active.indices {
            snapshot.active[place].argumentsText = "(300,)"
        }
    }

    private mutating func readStatistics(_ stats: JSON) {
        snapshot.totals = (stats["total"].objectValue ?? JSONObject()).reduce(into: [:]) { totals, member in
            totals[member.key] = member.value.intValue ?? 0
        }
        snapshot.uptime = stats["uptime"].intValue ?? 0
        snapshot.prefetchCount = stats["prefetch_count"].intValue ?? 0
        snapshot.pool.concurrency = stats["pool"]["max-concurrency"].intValue ?? 0
        snapshot.pool.processes = stats["pool"]["processes"].orElements.compactMap(\.intValue)
        process = stats["pid"].intValue ?? 0
        let place = stats["broker"]
        broker = .broker(
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

extension TaskInfo {
    init(recorded json: JSON) {
        let place = json["delivery_info"]
        self.init(
            id: json["id"].stringValue ?? "",
            name: json["name"].stringValue ?? "",
            type: json["type"].stringValue ?? "",
            arguments: RawJSON(json["args"]),
            kwargs: RawJSON(json["kwargs"]),
            started: json["time_start"].doubleValue,
            isAcknowledged: json["acknowledged"] == true,
            exchange: place["exchange"].stringValue ?? "",
            routingKey: place["routing_key"].stringValue ?? "",
            priority: place["priority"].intValue ?? 0,
            isRedelivered: place["redelivered"] == true,
            process: json["worker_pid"].intValue
        )
    }
}
