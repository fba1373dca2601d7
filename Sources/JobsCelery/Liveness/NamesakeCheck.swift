import Logging

/// Looks for another living worker that has the name of this one: both answer to it, and Celery's tools take them for one.
struct NamesakeCheck: Sendable {
    let worker: WorkerIdentity
    let registry: WorkerRegistry
    let logger: Logger

    /// Warns of one. Of two workers that start at once the later sees the earlier, as each looks after its own first renewal.
    func run(on connection: RedisConnection) async {
        do {
            guard try await hasNamesake(connection) else { return }
        } catch {
            return logger.debug("Whether the worker's name is its own is not known.", metadata: ["error": "\(error)"])
        }
        logger.warning(
            """
            Another worker that runs has the name “\(worker.node)” too, so that Celery's tools take both for one. Give each \
            its own: --hostname worker1@%h
            """
        )
    }

    private func hasNamesake(_ connection: RedisConnection) async throws -> Bool {
        let name = (registry.channels + worker.node).map { "*?[]\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let channels = try await connection.send([RedisCommand("PUBSUB", "CHANNELS", name + ".*")])
        let found = (channels.first?.elements ?? []).compactMap(\.text)
        let ids = found.map { String($0.dropFirst(registry.channels.count)) }
        // An id is the name, a dot, and a unique part without a dot.
        let others = ids.filter { $0 != worker.id && !$0.dropFirst(worker.node.count + 1).contains(".") }
        // Channels are those of all databases: who works on this one has a lease there.
        let leases = try await connection.send(others.map { RedisCommand("ZSCORE", registry.workers, $0) })
        return leases.contains { $0 != .null }
    }
}
