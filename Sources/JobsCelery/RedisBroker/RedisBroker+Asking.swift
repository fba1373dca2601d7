import DashJSON
import Support

extension RedisBroker {
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (RawTask) -> Void
    ) async throws {
        let id = UniqueID.random().text
        let queue = id + ".reply.celery.pidbox"
        let bindings = keys.bindings(of: "reply.celery.pidbox")[0]
        let member = keys.binding(routingKey: id, queue: queue)
        _ = try await client.send(RedisCommand("SADD", bindings, member))
        do {
            let message = request.answered(at: id).message()
            // Redis tells how many listen: so many answers are waited for.
            let listeners = try await client.send(publication(message, exchange: "celery.pidbox"))
            sent()
            try await answers(listeners.integer ?? 0, in: keys.list(of: queue), within: time, heard)
        } catch {
            await forget(queue, bindings, member)
            throw error
        }
        await forget(queue, bindings, member)
    }

    /// Reads answers on a connection of its own, as it waits there.
    private func answers(
        _ count: Int,
        in list: String,
        within time: Duration,
        _ heard: @Sendable (RawTask) -> Void
    ) async throws {
        guard count > 0 else { return }
        let deadline = ContinuousClock.now + time
        let connection = try await RedisConnection.connect(client.options) { _ in }
        defer { connection.close() }
        for _ in 0..<count {
            let rest = ContinuousClock.now.duration(to: deadline)
            // 0 would be for ever.
            guard rest > .milliseconds(1), !Task.isCancelled else { return }
            let answer = try await connection.send([RedisCommand("BRPOP", list, rest.inSeconds)]).first
            guard let bytes = answer?.elements?.last?.bytes else { return }
            heard(try KombuEnvelope.decode(bytes).task)
        }
    }

    private func forget(_ queue: String, _ bindings: String, _ member: String) async {
        // What is left of it would lie there; an answer that comes later has an end of its own.
        _ = try? await client.send([
            RedisCommand("SREM", bindings, member), RedisCommand("DEL", keys.list(of: queue)),
        ])
    }
}
