import Logging
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ
@testable import RedisClient

/// The test limit for a time guaranteed on an idle machine: a busy one may be ten times slower.
func promised(_ time: Duration) -> Duration { time * 10 }

/// Polls for a condition that no event signals. The limit is generous, for busy machines.
func until(
    within limit: Duration = .seconds(120),
    at place: SourceLocation = #_sourceLocation,
    _ isSo: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !isSo() {
        try #require(ContinuousClock.now < deadline, sourceLocation: place)
        try await Task.sleep(for: .milliseconds(10))
    }
}

extension Duration {
    /// The connection timeout of tests that do not test the timeout.
    static let patience = Duration.seconds(120)
}

extension RedisOptions {
    /// Options with a long connection timeout.
    static func patient(_ url: RedisURL) -> RedisOptions {
        var options = RedisOptions(url, logger: .quiet)
        options.connectTimeout = .patience
        return options
    }
}

extension RedisBrokerOptions {
    /// Options with a long connection timeout, and a lease that does not expire on a busy machine. Lost subscriptions
    /// are still detected quickly.
    static var patient: Self {
        var options = Self()
        options.connectTimeout = .patience
        options.terms.lease = .seconds(60)
        return options
    }
}

extension RedisBroker {
    /// A broker with a long connection timeout.
    static func patient(_ url: RedisURL) -> RedisBroker {
        RedisBroker(url, options: .patient, logger: .quiet)
    }
}

extension RabbitOptions {
    /// Options with a long publish timeout.
    static var patient: Self {
        var options = Self()
        options.publishTimeout = 120_000
        return options
    }
}

extension AMQPURL {
    /// The address with a long connection timeout and heartbeats that a busy machine does not miss.
    var patient: AMQPURL {
        var url = self
        (url.connectTimeout, url.heartbeat) = (120, 60)
        return url
    }
}
