import DashJSON
import Jobs

extension CeleryJobManager {
    func start(_ request: JobRequest) async throws -> JobID {
        // Before a message is made of it.
        _ = try records.rules.start(request)
        return try await asking("take a job in") {
            let task = try message(for: request)
            let start = try await records.start(request, message: KeptMessage(task, keys: records.settings.keys))
            if start == .started, !records.settings.isBroker { try await publish(task, of: request.id) }
            if request.remote != nil { follow(request.id, name: request.name) }
            return request.id
        }
    }

    /// Sends a message over a broker that is not the records' Redis. If that fails the job is taken back.
    private func publish(_ task: RawTask, of id: JobID) async throws {
        do {
            try await parts.broker.publish(task)
        } catch {
            try await records.withdraw(id)
            throw error
        }
        try await records.sent(id)
    }

    /// The message that makes a job run.
    func message(for request: JobRequest) throws -> RawTask {
        if let remote = request.remote {
            var message = TaskMessage(task: remote.name, id: request.id.text, arguments: remote.arguments)
            message.ignoresResult = false
            return message.raw(queue: remote.queue ?? parts.remoteQueue)
        }
        let (arguments, extra) = try parts.codec.encode(payload: request.payload, of: request.name)
        let job = parts.jobs.first { $0.name == request.name }
        var message = TaskMessage(task: job?.taskName ?? request.name, id: request.id.text, arguments: arguments)
        message.shadow = job?.displayName
        message.custom["dash"] = try JSON(parsing: extra.bytes)
        message.priority = priority(request.priority)
        return message.raw(queue: parts.queue)
    }

    private func priority(_ priority: Int) -> Int {
        let priorities = parts.broker.priorities
        return priorities[priority > 0 ? 0 : min(1 - priority, priorities.count - 1)]
    }
}
