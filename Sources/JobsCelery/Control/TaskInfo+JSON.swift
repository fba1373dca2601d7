import DashJSON

extension TaskInfo {
    /// What `inspect` shows.
    ///
    /// - Parameters:
    ///   - isSafe: The arguments as texts, not as values.
    func json(node: String, isSafe: Bool = false) -> JSON {
        [
            "id": .string(id), "name": .string(name),
            "args": isSafe ? .string(argumentsText) : Self.value(arguments),
            "kwargs": isSafe ? .string(keywordsText) : Self.value(keywords),
            "type": .string(type), "hostname": .string(node), "time_start": .double(orNull: started),
            "acknowledged": .bool(isAcknowledged),
            "delivery_info": [
                "exchange": .string(exchange), "routing_key": .string(routingKey), "priority": .int(priority),
                "redelivered": .bool(isRedelivered),
            ],
            "worker_pid": .int(orNull: process),
        ]
    }

    private static func value(_ text: RawJSON) -> JSON {
        (try? JSON(parsing: text.bytes)) ?? .null
    }
}

extension ScheduledTask {
    func json(node: String) -> JSON {
        // The priority is that of Celery's timer, always 6.
        ["eta": .string(eta), "priority": 6, "request": task.json(node: node)]
    }
}

extension RegisteredTask {
    /// The task's name and those of its settings that were asked for and are set: `lab.add [rate_limit=10/m]`.
    func text(showing items: [String]) -> String {
        let values: [String: String?] = [
            "rate_limit": rateLimit?.text, "soft_time_limit": softTimeLimit.map { JSON.double($0).text },
            "time_limit": timeLimit.map { JSON.double($0).text }, "name": name,
        ]
        let shown = items.compactMap { item in values[item].flatMap { $0 }.map { "\(item)=\($0)" } }
        return shown.isEmpty ? name : "\(name) [\(shown.joined(separator: " "))]"
    }
}

extension QueueInfo {
    /// A queue as kombu writes one.
    var json: JSON {
        [
            "name": .string(name),
            "exchange": [
                "name": .string(name), "type": "direct", "arguments": nil, "durable": .bool(isDurable),
                "passive": false,
                "auto_delete": false, "delivery_mode": nil, "no_declare": false,
            ],
            "routing_key": .string(name), "queue_arguments": arguments.map { .object($0) } ?? .null,
            "binding_arguments": nil, "consumer_arguments": nil, "durable": .bool(isDurable), "exclusive": false,
            "auto_delete": false, "no_ack": false, "alias": nil, "bindings": [], "no_declare": nil, "expires": nil,
            "message_ttl": nil, "max_length": nil, "max_length_bytes": nil,
            "max_priority": .int(orNull: maximumPriority),
        ]
    }
}
