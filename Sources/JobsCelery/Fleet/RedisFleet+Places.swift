import Jobs

extension RedisFleet {
    /// No request is on its way for so long.
    private static let orderLifetime = Duration.seconds(3600)
    /// Orders that are remembered of one group; those beyond are the lowest, and of the oldest requests.
    private static let mostOrders = 1000

    func replace(
        _ place: String,
        in group: String,
        with value: FleetValue,
        marks: Set<String>,
        lifetime: Duration
    ) async throws -> FleetPlacing {
        let order = value.order.map { String($0) } ?? ""
        let answer = try await call(
            FleetScripts.replace,
            [group, place, value.text, order, lifetime.redisMilliseconds] + marks.sorted()
        )
        return answer.integer == 0 ? .late : .placed(before: answer.text)
    }

    func values(in group: String) async throws -> [String: FleetValue] {
        let answer = try await answer { [redis, prefix] in
            try await redis.send(RedisCommand("HGETALL", prefix + "fleet:places:" + group))
        }
        let texts = (answer.elements ?? []).map { $0.text ?? "" }
        return stride(from: 0, to: texts.count - 1, by: 2).reduce(into: [:]) { values, position in
            let lines = texts[position + 1].split(separator: "\n", omittingEmptySubsequences: false)
            values[texts[position]] = FleetValue(String(lines[0]), order: lines.dropFirst().first.flatMap { Int($0) })
        }
    }

    func remove(_ place: String, in group: String, ifStill text: String) async throws -> Bool {
        let memory: [any RedisArgument] = [Self.orderLifetime.redisMilliseconds, Self.mostOrders]
        return try await call(FleetScripts.remove, [group, place, text] + memory).integer == 1
    }

    func mark(_ names: Set<String>, in group: String, with order: Int) async throws {
        let memory: [any RedisArgument] = [Self.orderLifetime.redisMilliseconds, Self.mostOrders]
        _ = try await call(FleetScripts.mark, [group, order] + memory + names.sorted())
    }

    func pause(_ name: String, for duration: Duration) async throws {
        _ = try await answer { [redis, prefix] in
            try await redis.send(
                RedisCommand("SET", prefix + "fleet:pause:" + name, "", "PX", duration.redisMilliseconds)
            )
        }
    }

    func rest(ofPause name: String) async throws -> Duration? {
        let rest = try await answer { [redis, prefix] in
            try await redis.send(RedisCommand("PTTL", prefix + "fleet:pause:" + name))
        }
        return rest.integer.flatMap { $0 > 0 ? .milliseconds($0) : nil }
    }

    func call(_ script: RedisScript, _ arguments: [any RedisArgument]) async throws -> RedisValue {
        try await answer { [redis, prefix] in
            try await redis.run(script, keys: [prefix], arguments: arguments)
        }
    }

    /// Asks Redis, a second time where it is not known what became of the first: every question here may be asked twice.
    ///
    /// - Throws: `JobsError.storage`.
    private func answer(_ ask: @Sendable () async throws -> RedisValue) async throws -> RedisValue {
        do {
            do {
                return try await ask()
            } catch let error as CeleryError where error.code == .connectionLost {
                return try await ask()
            }
        } catch {
            throw JobsError(.storage, "What the web servers share could not be asked for.", cause: error)
        }
    }
}
