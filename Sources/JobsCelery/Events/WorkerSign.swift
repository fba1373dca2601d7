import DashJSON

/// What a worker tells about itself.
enum WorkerSign: Sendable, Hashable {
    case online
    case heartbeat
    /// A heartbeat that somebody asked for, which says less and promises the next within 5 s.
    case requestedHeartbeat
    case offline

    /// Celery's name of the event.
    var type: String {
        switch self {
        case .online: "worker-online"
        case .heartbeat, .requestedHeartbeat: "worker-heartbeat"
        case .offline: "worker-offline"
        }
    }

    /// `worker.heartbeat`.
    var routingKey: String {
        switch self {
        case .online: "worker.online"
        case .heartbeat, .requestedHeartbeat: "worker.heartbeat"
        case .offline: "worker.offline"
        }
    }

    /// What is particular to the event, in Celery's order.
    ///
    /// - Parameter every: The time between heartbeats, seconds.
    func fields(every: Double, load: WorkerLoad, machine: [Double], software: SoftwareInfo) -> JSONObject {
        var fields: JSONObject = ["freq": .double(self == .requestedHeartbeat ? 5 : every)]
        if self != .requestedHeartbeat {
            fields.append("active", .int(load.active))
            fields.append("processed", .int(load.processed))
            fields.append("loadavg", .array(machine.map { .double($0) }))
        }
        for (key, value) in software.fields { fields.append(key, value) }
        return fields
    }
}
