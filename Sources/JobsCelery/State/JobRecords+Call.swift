import DashJSON
import Jobs
import Support

extension JobRecords {
    typealias Argument = (name: String, value: any RedisArgument)

    /// Runs a script, again if it is not known what became of it: every script may be said twice.
    ///
    /// - Parameters:
    ///   - named: What the script finds in `A`, besides what all scripts find there.
    ///   - rest: What follows in `ARGV`.
    ///   - patience: For how long to try; nil is as the settings say.
    func call(
        _ script: RedisScript,
        _ named: [Argument],
        rest: [any RedisArgument] = [],
        patience: Duration? = nil
    ) async throws -> RedisValue {
        let arguments = arguments(named, rest: rest)
        let deadline = ContinuousClock.now + (patience ?? settings.patience)
        return try await retrying(until: deadline) {
            try await redis.run(script, keys: [settings.prefix], arguments: arguments)
        }
    }

    /// What a script finds in `ARGV`.
    func arguments(_ named: [Argument], rest: [any RedisArgument] = []) -> [any RedisArgument] {
        let named = named + common()
        var arguments: [any RedisArgument] = [named.count]
        for argument in named { arguments += [argument.name, argument.value] as [any RedisArgument] }
        return arguments + rest
    }

    /// Sends a command that may be said twice.
    func send(_ command: RedisCommand) async throws -> RedisValue {
        try await retrying(until: .now + settings.patience) { try await redis.send(command) }
    }

    /// For how long jobs that wait, and those of other programs, are kept without a word.
    var patience: [Argument] {
        [
            ("abandon", settings.rules.abandonQueuedAfter.wholeMilliseconds),
            ("silence", settings.remoteSilence.wholeMilliseconds),
        ]
    }

    private func common() -> [Argument] {
        let (rules, keys) = (settings.rules, settings.keys)
        return [
            ("now", now), ("lists", settings.isBroker ? 1 : 0), ("keep", rules.keepFinished.wholeMilliseconds),
            ("collect", settings.collection), ("metaPrefix", settings.metaPrefix),
            ("metaExpiry", settings.metaExpiry.wholeMilliseconds / 1000), ("date", ISO8601.text(now)),
            ("interruptions", rules.maximumInterruptions), ("maximumCache", settings.maximumCacheBytes),
            ("lifeLine", keys.lifeLinePrefix), ("leases", keys.leases),
            ("lease", "\(settings.lease / .seconds(1))"),
        ]
    }

    /// The present time by the jobs' clock, in milliseconds since 1970.
    var now: Int64 { settings.clock.now().wall.milliseconds }

    private func retrying(
        until deadline: ContinuousClock.Instant,
        _ body: () async throws -> RedisValue
    ) async throws -> RedisValue {
        var backoff = Backoff(first: .milliseconds(10), longest: .milliseconds(500))
        while true {
            let wait = backoff.next()
            do {
                return try await body()
            } catch let error as CeleryError where error.code == .connectionLost || error.code == .unreachable {
                guard ContinuousClock.now + wait < deadline, !Task.isCancelled else { throw error }
            }
            // A back-off: the connection mends itself meanwhile.
            try await Task.sleep(for: wait)
        }
    }
}
