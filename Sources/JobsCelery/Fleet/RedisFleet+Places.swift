import Jobs

extension RedisFleet {
    func replace(_ place: String, in group: String, with value: String, lifetime: Duration) async throws -> String? {
        try await call(FleetScripts.replace, [group, place, value, lifetime.redisMilliseconds]).text
    }

    func values(in group: String) async throws -> [String: String] {
        let answer = try await answer { [redis, prefix] in
            try await redis.send(RedisCommand("HGETALL", prefix + "fleet:places:" + group))
        }
        let texts = (answer.elements ?? []).map { $0.text ?? "" }
        return stride(from: 0, to: texts.count - 1, by: 2).reduce(into: [:]) { values, position in
            values[texts[position]] = texts[position + 1].split(separator: "\n").first.map { String($0) } ?? ""
        }
    }

    func remove(_ place: String, in group: String, ifStill value: String) async throws -> Bool {
        try await call(FleetScripts.remove, [group, place, value]).integer == 1
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
