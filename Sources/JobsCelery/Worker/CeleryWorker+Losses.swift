import Logging

// Messages that end their workers: counted in Redis, as whoever counted here would be gone.
extension CeleryWorker {
    /// How often a task was begun before and lost its worker. It is counted as begun once more.
    func losses(of task: HeldTask) async -> Int {
        guard task.delivery.isRedelivered, let redis = parts.redis else { return 0 }
        do {
            let answers = try await redis.send([
                RedisCommand("INCR", Self.key(of: task)), RedisCommand("EXPIRE", Self.key(of: task), 86_400),
            ])
            if case .integer(let count)? = answers.first { return count }
        } catch {
            parts.logger.warning(
                "It could not be counted how often a task lost its worker.",
                metadata: ["task-id": "\(task.id)", "error": "\(error)"]
            )
        }
        return 1
    }

    /// A task came to an end of some sort.
    func forgetLosses(of task: HeldTask) async {
        guard let redis = parts.redis else { return }
        // If this fails the count goes by itself, after a day.
        _ = try? await redis.send([RedisCommand("DEL", Self.key(of: task))])
    }

    private static func key(of task: HeldTask) -> String { "dash:begun:\(task.id)" }
}
