extension RedisBroker {
    func waiting(in queue: String) async throws -> Int {
        try await client.send(keys.lists(of: queue).map { RedisCommand("LLEN", $0) }).reduce(0) { count, answer in
            guard let length = answer.integer else { throw CeleryError(.server, "Redis has no length of “\(queue)”.") }
            return count + length
        }
    }
}
